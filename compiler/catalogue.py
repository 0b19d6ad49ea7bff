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
        "An input holds 32- or 64-bit integers, strings, truth values or a sequence; spikes stand for real numbers.",
        "Feed floats or 8- or 16-bit integers; for token ids, feed the embedded vectors.",
    ),
    "SNN110": Entry(
        "not a model",
        "The object is no ONNX model and no torch module, or a torch module came without an example input.",
        "Give a path, bytes, an onnx.ModelProto, or a torch.nn.Module with an example input.",
    ),
    # passes (SNN120..)
    "SNN120": Entry(
        "two weighted sums with no activation between",
        "A convolution or dense layer reads a weighted sum that no activation has turned into levels, and the two cannot "
        "be joined into one exactly, or only into one with far more weights.",
        "Insert a ReLU between the two, or make one layer of them before export.",
    ),
    "SNN121": Entry(
        "scale of single positions",
        "A scale differs between positions of a channel. A convolution uses the same weights everywhere, so no weights "
        "can take the scale in.",
        "Scale whole channels, or put the scaling where a dense layer follows or precedes it.",
    ),
    "SNN122": Entry(
        "negative scale next to a max-pool",
        "A batch norm or scaling with a negative factor stands next to a max-pool. Moved through the pool it would turn "
        "the maximum into a minimum.",
        "Put the batch norm and the ReLU before the pool, or retrain with a positive gamma there.",
    ),
    "SNN123": Entry(
        "average pool that is not one exact sum",
        "An average pool divides windows at the border by fewer positions than others, or reads a weighted sum that it "
        "cannot be joined with.",
        "Use count_include_pad=True or no padding; put a ReLU before the pool.",
    ),
    "SNN124": Entry(
        "padding that nothing can take in",
        "Zero padding is read by an operation without padding of its own, or by a max-pool whose input may be negative, "
        "where zeros are not the same as positions left out.",
        "Set the padding in the convolution or pool that follows; put a ReLU before a padded max-pool.",
    ),
    "SNN125": Entry(
        "max-pool of a weighted sum",
        "A max-pool reads a weighted sum and no ReLU stands before or directly after it, so there are no levels to take "
        "the maximum of.",
        "Put a ReLU before or directly after the pool.",
    ),
    "SNN126": Entry(
        "weighted sum moved before it is used",
        "A reshape, transpose or concatenation of a weighted sum is an output or an operand of an addition. A sum is "
        "read where it is deposited; only into a vector can it be rearranged, and not if that takes too large a matrix.",
        "Rearrange after a ReLU, or make the sums separate outputs.",
    ),
    "SNN127": Entry(
        "weights that are not finite",
        "A weight or bias is infinite or no number, or overflows float32 when a batch norm is folded in; or a batch "
        "norm's variance plus epsilon is not positive.",
        "Check the exported weights; train on, or set the broken channels by hand.",
    ),
    "SNN128": Entry(
        "softmax inside the network",
        "A softmax, log-softmax or argmax is read by further layers. At an output it is dropped; inside it cannot be.",
        "End the exported network before it, or replace it with a ReLU.",
    ),
    "SNN129": Entry(
        "value that is no weighted sum",
        "An addition, ReLU or output reads a constant or a single number without axes, which no population can hold.",
        "Make a constant the bias of a layer; give a single number an axis.",
    ),
    # quantization (SNN200..)
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
    # data (SNN400..)
    # options (SNN500..)
}
