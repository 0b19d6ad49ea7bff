"""Every diagnostic code: what it means and what to do. ``snncc explain`` and docs/errors.md are made from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One code.

    Attributes:
        title: a few words.
        meaning: when it is reported and why it is a problem.
        fix: what the user can do.
    """

    title: str
    meaning: str
    fix: str


CATALOGUE: dict[str, Entry] = {
    # graph text and structure
    "SNN002": Entry(
        "text form cannot be read",
        "A line of a graph's or program's text form does not follow the grammar, or names an array that is missing.",
        "Restore the line from the tool that wrote it; give the arrays that stand in the text by digest.",
    ),
    "SNN010": Entry(
        "graph breaks a rule of its stage",
        "An op, type or name is not allowed at this stage of the compiler (imported, canonical, quantized).",
        "If the graph came from a file, restore it. If the compiler made it, this is a bug: please report it.",
    ),
    # frontend (SNN100..)
    "SNN100": Entry(
        "model file cannot be read",
        "The path does not exist, is a folder, or may not be opened.",
        "Check the path and its permissions.",
    ),
    "SNN101": Entry(
        "not a complete, valid ONNX model",
        "The file is empty, cut short, another format, older than opset 7, lacks its external weights, or "
        "onnxruntime cannot run it.",
        "Restore the file, or export the model again; onnx.checker.check_model tells more.",
    ),
    "SNN102": Entry(
        "operator not supported",
        "A node's operator has no spiking form: the compiler knows weighted sums, rectifiers, pooling and moves.",
        "Replace the operator as the hint says and retrain, or end the network before it.",
    ),
    "SNN103": Entry(
        "operator not supported in this form",
        "The operator is supported, but not with these attributes or operands, for example weights that the "
        "model computes, a reshape that mixes samples, or a softmax inside the network.",
        "Change the layer as the hint says and export again.",
    ),
    "SNN104": Entry(
        "shape is not fixed",
        "A chip has a fixed number of neurons, so every axis but the batch needs a fixed size.",
        "Export the model with fixed sizes and a batch axis 0, which alone may stay open.",
    ),
    "SNN105": Entry(
        "weight is not a finite number",
        "A weight holds NaN or infinity, or is too large for float32.",
        "Look for a diverged training run, and export the model again.",
    ),
    "SNN106": Entry(
        "nothing to compile",
        "The model holds no operators, or no weights.",
        "Export the trained model with its layers and parameters.",
    ),
    "SNN107": Entry(
        "torch cannot run or export the module",
        "The module fails on the example input, or torch.onnx.export cannot trace it.",
        "Make the example input [batch, ...] fit; move control flow that depends on values out of forward().",
    ),
    "SNN108": Entry(
        "torch is not installed",
        "A torch module can only be read where torch is installed.",
        "Install snncc[torch], or export the module to ONNX elsewhere and compile the file.",
    ),
    "SNN109": Entry(
        "input is not numeric enough",
        "An input holds 32- or 64-bit integers, strings or truth values; spikes stand for real numbers.",
        "Feed floats or 8- or 16-bit integers; for token ids, feed the embedded vectors.",
    ),
    "SNN110": Entry(
        "not a model",
        "The object is no ONNX model and no torch module, or a torch module came without an example input.",
        "Give a path, bytes, an onnx.ModelProto, or a torch.nn.Module with an example input.",
    ),
    # passes (SNN127..)
    "SNN127": Entry(
        "weights that are not finite",
        "A weight or bias is infinite or no number, or overflows float32 when a batch norm is folded in; "
        "or a batch norm's variance plus epsilon is not positive.",
        "Check the exported weights; train on, or set the broken channels by hand.",
    ),
    "SNN128": Entry(
        "softmax inside the network",
        "A softmax, log-softmax or argmax is read by further layers. At an output it is dropped; inside it cannot be.",
        "End the exported network before it, or replace it with a ReLU.",
    ),
    "SNN129": Entry(
        "value that is no weighted sum",
        "An addition, activation or output reads a constant or a single number without axes, which no population can "
        "hold.",
        "Make a constant the bias of a layer; give a single number an axis.",
    ),
    # quantization (SNN200..)
    "SNN201": Entry(
        "accumulator can overflow",
        "Interval arithmetic over every possible input shows that a neuron's sum can leave the chip's state "
        "or accumulator width, even with the coarsest weights and levels that were tried.",
        "Use fewer levels (bits or levels), narrower weights, or a layer with fewer inputs.",
    ),
    "SNN202": Entry(
        "level does not fit a payload",
        "On this chip a spike's payload carries the level, and the greatest level of a layer needs more bits "
        "than a payload has. An average pool counts: its sums reach the window's size times the levels it reads.",
        "Use fewer levels (bits or levels), or a smaller average pool.",
    ),
    "SNN203": Entry(
        "values of several scales in one channel",
        "A weight reads a channel in which values of several layers stand side by side. Each layer has a level of its "
        "own size, and one weight cannot serve several. The passes before take such sums apart; this is what is left.",
        "Join values along the channels, or let one layer compute what is joined.",
    ),
    "SNN210": Entry(
        "layer made coarser so that it cannot overflow",
        "A warning. With the finest weights the sum of a layer could overflow on some input, so the layer got "
        "coarser weights, or coarser levels. The loss is part of the integer network that verification measures.",
        "Nothing, if the accuracy is good enough; else use fewer levels or a layer with fewer inputs.",
    ),
    "SNN211": Entry(
        "calibration data are constant",
        "An input has the same value in all calibration samples, so they do not tell what range it or any activation "
        "takes; other values will be clipped.",
        "Calibrate with some hundred inputs that are like those to come.",
    ),
    # programs (SNN300..)
    "SNN301": Entry(
        "program file cannot be written",
        "The .snnp file could not be made; the message gives the reason. What stood there before is untouched.",
        "Name a folder that exists, that you may write to and that has room.",
    ),
    "SNN302": Entry(
        "program file cannot be read",
        "The file is missing, is no .snnp file, or was damaged: it is cut short or a checksum does not hold.",
        "Check the path; copy or compile the program again.",
    ),
    "SNN303": Entry(
        "program file is malformed",
        "The container is sound, but a part of it is missing or does not say what it should.",
        "Write the file again with snncc; a file changed by hand must keep the format.",
    ),
    "SNN304": Entry(
        "unknown version of the file format",
        "The .snnp file has a format version that this snncc does not know.",
        "Upgrade snncc, or compile the program again with this one.",
    ),
    "SNN305": Entry(
        "arrays of a program file cannot be read",
        "The tensors of the .snnp file are damaged, or hold something other than signed integers.",
        "Write the file again with snncc.",
    ),
    "SNN310": Entry(
        "bad name in a program",
        "Names are made of letters, digits, '_' and '.', and stand once among populations, connections and so on.",
        "Rename the item.",
    ),
    "SNN311": Entry(
        "bad neuron program",
        "A neuron program reads what it does not know, has a state of impossible width or initial value, and so on.",
        "Correct the assembly of the neuron program.",
    ),
    "SNN312": Entry(
        "bad shape or parameter of a population",
        "A population has no neurons, or a parameter is missing, undeclared, no int64 or of a shape that does not fit.",
        "Give an int64 array that broadcasts to the population's shape for each parameter of its neuron program.",
    ),
    "SNN313": Entry(
        "connection leads nowhere",
        "A connection's source, target or in-port does not exist, or its delay is below one step.",
        "Correct the names; the shortest delay is 1.",
    ),
    "SNN314": Entry(
        "synapses do not fit",
        "The shapes or indices of a connection's synapses do not fit the populations at its ends.",
        "Give weights [targets, sources], or a convolution or indices that stay inside both populations.",
    ),
    "SNN315": Entry(
        "bad schedule",
        "A start, window or interval is negative, or a window is longer than the interval at which it repeats.",
        "Lengthen the interval or shorten the window.",
    ),
    "SNN316": Entry(
        "bad spikes or claim of a population",
        "A payload width is impossible, or what the population claims to send is not known or not possible.",
        "Use payloads of 1 to 63 bits, a known coding and levels lo <= 0 < hi.",
    ),
    "SNN317": Entry(
        "bad input or output of a program",
        "An input or output names what does not exist, or its shape, levels or scale do not fit.",
        "Correct the names; the shape must have as many elements as the population has neurons.",
    ),
    "SNN320": Entry(
        "event cannot be fed",
        "An event names no input of the program, a step outside the run, or a neuron that is not there.",
        "Give events (step, address, payload) with steps of this run and addresses below the population's size.",
    ),
    "SNN330": Entry(
        "wait that nothing can bridge",
        "Spikes of one branch must wait for another branch's. The wait is longer than the target's synaptic delay and "
        "shorter than the window of a relay population, so neither can take it over.",
        "Use one coding and the same levels in every branch, or fewer levels.",
    ),
    "SNN331": Entry(
        "max-pool needs too many in-ports",
        "To take the maximum of levels, a neuron of the pool hears each position of its window on an in-port of its "
        "own, unless the coding can do with one or the levels can be packed into one state. The target has fewer "
        "in-ports.",
        "Pool in steps of smaller windows (3x3 twice for 5x5, stride 1), use fewer levels, or another coding.",
    ),
    "SNN332": Entry(
        "coding has no negative levels",
        "A population, an input or what is pooled from it, has negative levels, and neither the chosen coding nor the "
        "inputs' coding on this target can send them.",
        "Use a coding with signed levels (docs/codings.md), or shift the inputs so that none is negative.",
    ),
    "SNN333": Entry(
        "max-pool over several populations",
        "A max-pool passes spikes on in the step in which they arrive, so what it reads must fire together. It reads "
        "several populations here, side by side.",
        "Pool each branch before the branches are joined.",
    ),
    "SNN334": Entry(
        "activation needs programmable neurons",
        "Sigmoid, SiLU, leaky ReLU and other curves are lists of thresholds that a neuron counts when it latches its "
        "charge. The neurons of this target have a fixed response.",
        "Use ReLU, with or without a cap, and retrain; or choose a target with programmable neurons.",
    ),
    "SNN340": Entry(
        "program holds no network",
        "The fast engine and verify need the integer network that the program was compiled from. A program made "
        "by hand, or saved without its origin, has none.",
        "Compile a model to get a program with its network; run other programs on the engine emulator.",
    ),
    "SNN341": Entry(
        "state overflow",
        "While the program ran, a state or payload left the width that it was declared with. What snncc compiles "
        "cannot overflow on any input; a program made or changed by hand can.",
        "Compile the program again; in a program of your own, widen the state or scale the weights down.",
    ),
    # data (SNN400..)
    "SNN401": Entry(
        "data file cannot be read",
        "The file is missing, is no .npz, is cut short, or holds Python objects instead of arrays.",
        "Write it with numpy.savez, with an array x of shape [samples, ...] and, where known, labels y.",
    ),
    "SNN402": Entry(
        "data for an input is missing",
        "The data holds no array for an input of the model or program.",
        "Name the array x, or after the input; with several inputs give one array for each, by name.",
    ),
    "SNN403": Entry(
        "data does not fit the input",
        "An array has another shape or element type than the input takes, or inputs differ in their number of samples.",
        "Give numbers of shape [samples, *shape]; snncc inspect shows the shape.",
    ),
    "SNN404": Entry(
        "data is not finite",
        "Some samples hold values that are not finite, or larger than float32 can show. No level stands for them.",
        "Clean the data, or leave those samples out.",
    ),
    "SNN405": Entry(
        "data holds no samples",
        "The first axis of an array is empty.",
        "Give at least one sample; for calibration some hundred representative ones.",
    ),
    "SNN406": Entry(
        "labels do not fit",
        "There are more or fewer labels than samples, labels are no finite numbers or of another shape than the "
        "output, or a class index names no class.",
        "Give one label a sample: class indices from 0, or target values of the output's shape.",
    ),
    "SNN407": Entry(
        "result cannot be written",
        "A result file or a folder for stages cannot be made; the message gives the reason.",
        "Name a place that exists, has room and may be written to.",
    ),
    # options (SNN500..)
    "SNN500": Entry(
        "bad command line",
        "An option or argument is unknown, missing, or not of the type it takes.",
        "snncc COMMAND --help lists the options.",
    ),
    "SNN501": Entry("unknown target", "There is no chip of this name.", "Use one of the names that the message lists."),
    "SNN502": Entry(
        "unknown coding", "There is no spike code of this name.", "Use one of the names that the message lists."
    ),
    "SNN503": Entry(
        "bad number of levels",
        "Bits lie outside 1..16, levels outside 1..65535, one of them is no whole number, or both were given, for the "
        "whole network or for one layer.",
        "Give one of the two: bits n means levels 0..2^n - 1.",
    ),
    "SNN504": Entry("bad width of weights", "A weight, sign included, has 2 to 8 bits.", "Choose a width from 2 to 8."),
    "SNN505": Entry(
        "unknown schedule",
        "A schedule is pipelined (samples follow each other at the initiation interval) or sequential (one at a time).",
        "Choose one of the two, or leave it to the target.",
    ),
    "SNN506": Entry(
        "coding does not suit the target",
        "The coding sends payloads, and the chip's spikes carry none.",
        "Choose a coding of one-bit spikes: bitplane, rate or ttfs.",
    ),
    "SNN507": Entry(
        "unknown engine",
        "A program runs on the engine levels, the fast integer executor, on emulator, which steps every neuron, or on "
        "c, which does so in C.",
        "Choose one of the three.",
    ),
    "SNN508": Entry(
        "unknown diagnostic",
        "There is no diagnostic with this code.",
        "Copy the code from a message; docs/errors.md lists all of them.",
    ),
    "SNN509": Entry(
        "unknown pass",
        "The pass after which the graph was to be printed did not run.",
        "Use one of the names that the message lists, or all.",
    ),
    "SNN510": Entry(
        "dominated coding",
        "A warning. On this chip another coding sends the same levels at less cost by the account of the target's "
        "file, which docs/targets.md shows.",
        "Use the coding that the message names, or keep this one to compare.",
    ),
    "SNN511": Entry(
        "interrupted",
        "The command was stopped before it was done. Result files are written whole or not at all, so there is none.",
        "Run the command again.",
    ),
    "SNN512": Entry(
        "codings chosen by cost",
        "A note. --coding auto chose the coding of each layer by the synaptic events and neuron updates that the "
        "calibration data cause, times the energies in the target's file. The figures are modelled, and the levels are "
        "the same in every coding.",
        "Nothing needs to be done; name codings (--coding rate,LAYER=ttfs) to choose otherwise.",
    ),
    "SNN513": Entry(
        "unknown layer",
        "An option was given for a layer that the integer network does not have, or that has nothing of the kind: only "
        "inputs and activations choose a coding or a number of levels, only layers with weights a width, and pools "
        "follow what they read.",
        "Use one of the names that the message lists.",
    ),
    "SNN514": Entry(
        "unknown scales",
        "The real value of a level is found by mse (least mean square error), max (the largest activation seen), "
        "percentile:P (all but the largest activations) or kl (least divergence of the distribution).",
        "Choose one of them; --scales mse,LAYER=max for one layer.",
    ),
    "SNN515": Entry(
        "unknown rounding",
        "Weights are rounded to nearest, or adaptive: so that the layer's charges on the calibration data come closest "
        "to those of the float network.",
        "Choose one of the two; --rounding nearest,LAYER=adaptive for one layer.",
    ),
    "SNN516": Entry(
        "layer given twice",
        "An option was given more than once for one layer, or for the rest of the network.",
        "Give one value for each layer.",
    ),
    # backends and artifacts (SNN600..)
    "SNN600": Entry(
        "unknown backend",
        "There is no backend of this name, neither in snncc nor in an installed package.",
        "Use one of the names that the message lists; snncc backends tells more of each.",
    ),
    "SNN601": Entry(
        "backend cannot be loaded",
        "The package that offers the backend failed when it was imported, or offers something else.",
        "Repair or uninstall that package.",
    ),
    "SNN602": Entry(
        "two backends of one name",
        "Two installed packages offer a backend of the same name, and snncc does not choose between them.",
        "Uninstall one of the packages.",
    ),
    "SNN603": Entry(
        "artifact cannot be written",
        "The folder could not be made, is the one in which the command runs, or holds files that are no part of an "
        "artifact. What stood there before is untouched.",
        "Name a new or empty folder, or one that holds an artifact and nothing else, which is replaced.",
    ),
    "SNN604": Entry(
        "artifact is broken",
        "The folder is no artifact, or a file in it is missing or is not as it was emitted.",
        "Emit the program again.",
    ),
    "SNN605": Entry(
        "backend's runtime is missing",
        "The artifact needs a compiler, an interpreter or a package that is not on this machine.",
        "Install what the message names.",
    ),
    "SNN606": Entry(
        "artifact failed to run",
        "The backend's compiler or runtime ended with an error, wrote something else than a trace, or took too long.",
        "Emit the program and run the artifact's self-test, as its README says, to see more.",
    ),
    "SNN607": Entry(
        "backend failed",
        "A backend that another package brings raised an error of its own.",
        "Report it to those who made the backend; --debug shows the traceback.",
    ),
    "SNN610": Entry(
        "state or result too wide for the backend",
        "A state, a temporary result, a payload or a parameter of a neuron program needs more bits than the backend's "
        "language or simulator holds without wrapping.",
        "Compile with fewer levels or weight bits, or narrow the states of a program of your own.",
    ),
    "SNN611": Entry(
        "arrivals too large for the backend",
        "What can reach a neuron in one step does not fit the backend's accumulator, by interval arithmetic over all "
        "its synapses.",
        "Compile with fewer levels or weight bits, or split the layer.",
    ),
    "SNN612": Entry(
        "synapses that the backend cannot hold",
        "A connection's weights, geometry or delay have no form in the backend.",
        "Compile for a target whose limits the backend shares, or use another backend.",
    ),
    "SNN613": Entry(
        "program that the backend has no form for",
        "The backend expresses something else than this program holds, such as the integer network of a program that "
        "was made by hand.",
        "Compile a model to get a program with its network, or use another backend.",
    ),
    # the command itself (SNN900..)
    "SNN900": Entry(
        "internal error",
        "snncc broke one of its own rules. A folder was left with the traceback, the command and the files it read.",
        "Please report it with that folder; --debug shows the traceback.",
    ),
    "SNN901": Entry(
        "out of memory",
        "The machine has too little memory for the model and the data.",
        "Give fewer samples, or use a machine with more memory.",
    ),
    "SNN902": Entry(
        "refused by the operating system",
        "A file or stream could not be used while the command ran, for example because the disk is full.",
        "See that what the message names exists and has room.",
    ),
}
