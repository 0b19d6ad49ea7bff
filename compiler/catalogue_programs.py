"""Diagnostic codes of programs and data: SNN300 to SNN499."""

from __future__ import annotations

from snncc.compiler.catalogue_entry import Entry

PROGRAM: dict[str, Entry] = {
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
        "inputs' coding on this target can send them; or the target's spikes carry no sign.",
        "Use a coding with signed levels (docs/codings.md) or a target with signed spikes (docs/targets.md), or shift "
        "the inputs so that none is negative.",
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
    "SNN350": Entry(
        "options for what is compiled already",
        "snncc diagnose was given a program together with options of a compilation: they would change nothing, for a "
        "program carries the network it was compiled to.",
        "Leave the options out, or give the model and calibration data to diagnose what they would make.",
    ),
    "SNN351": Entry(
        "nothing to compile the model with",
        "snncc diagnose was given a model, whose levels are found on calibration inputs, and no such inputs.",
        "Give --calibration, or a program (.snnp), which needs none.",
    ),
    "SNN352": Entry(
        "network that was quantized elsewhere",
        "The program's levels and weights are those of a network that another tool quantized. There is no float "
        "network in it to measure a loss against.",
        "Diagnose the float network that the other tool started from; snncc verify compares the two networks here.",
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
}
