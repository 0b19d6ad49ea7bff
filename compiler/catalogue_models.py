"""Diagnostic codes of models, passes and quantization: SNN000 to SNN299."""

from __future__ import annotations

from snncc.compiler.catalogue_entry import Entry

NETWORK: dict[str, Entry] = {
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
    "SNN111": Entry(
        "quantizer that cannot be read",
        "A quantizer of the model has a form that is not known: integers that no QuantizeLinear of the model made, "
        "floating-point 8-bit types, an unknown rounding mode, QONNX's Trunc, or weights whose quantizer has operands "
        "that the model computes.",
        "Export the quantized network with QuantizeLinear and DequantizeLinear of 4, 8 or 16 bits around floats, or "
        "with QONNX's Quant.",
    ),
    "SNN112": Entry(
        "scale or zero point that has no levels",
        "The scale of an activation is not positive or differs between its channels, its zero point is no whole number "
        "or lies outside its integers, or a DequantizeLinear does not undo the QuantizeLinear before it.",
        "Give each activation one scale and one zero point; only weights may have one a channel.",
    ),
    "SNN114": Entry(
        "weights with several scales in a channel",
        "The integers of a weight are scaled in blocks, or along another axis than its output channels, so that one "
        "neuron would add integers of different sizes.",
        "Quantize weights per tensor or per output channel, to 16 bits at most.",
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
        "weights made coarser so that no sum can overflow",
        "A warning. With the finest weights the sum of a layer could overflow on some input, so channels of it got "
        "coarser weights. The loss is part of the integer network that verification measures.",
        "Nothing, if the accuracy is good enough; else use fewer levels or a layer with fewer inputs.",
    ),
    "SNN211": Entry(
        "calibration data are constant",
        "An input has the same value in all calibration samples, so they do not tell what range it or any activation "
        "takes; other values will be clipped.",
        "Calibrate with some hundred inputs that are like those to come.",
    ),
    "SNN212": Entry(
        "weighted sum too wide for adaptive rounding",
        "A note. Adaptive rounding solves a system of equations with as many unknowns as a neuron has synapses; beyond "
        "2^33 products of channels and synapses squared (512 channels of 4608 synapses) that takes too long. The "
        "weights are rounded to nearest, and no share of them is made zero.",
        "Nothing needs to be done with 8-bit weights; with fewer, give the layer 8 of its own.",
    ),
    "SNN213": Entry(
        "levels made coarser so that no sum can overflow",
        "A warning. Even with the coarsest weights the sum of a layer could overflow on some input, so its levels got "
        "larger than calibration asked for, and fewer of them are reached. The loss is part of the integer network "
        "that verification measures.",
        "Nothing, if the accuracy is good enough; else use fewer levels before it, or a layer with fewer inputs.",
    ),
    # networks quantized elsewhere (SNN220..)
    "SNN220": Entry(
        "value without quantizer in a quantized network",
        "Some layers of the model bring their own levels, and a layer reads a value that has none. Such a network is "
        "taken over as it is, so nothing is quantized in addition but float weights and unquantized inputs.",
        "Put a quantizer behind every activation and every addition, or compile the float form of the network.",
    ),
    "SNN221": Entry(
        "outputs brought to one unit",
        "A warning. A readout has one unit for all its channels. Where the weights of the last layer have a scale a "
        "channel, integer multipliers bring the channels to one unit, as nearly as the accumulators allow. No level of "
        "the network changes; the message has the largest relative error of an output.",
        "Quantize the last layer's weights with one scale, or put a quantizer behind it.",
    ),
    "SNN222": Entry(
        "operation that integers cannot take over",
        "Between a weighted sum and its quantizer stands something that is no function of each channel by itself, or "
        "an input is computed with before it is quantized.",
        "Fold it into the weights, move it behind the quantizer, or quantize the input first.",
    ),
    "SNN223": Entry(
        "sum or join of different scales",
        "An addition or concatenation joins values whose levels differ in size, and no integer form decides as the "
        "model does: no quantizer follows, more than two values meet, or two sums are added that have no quantizer.",
        "Quantize each operand before an addition and the result after it; give joined values one scale.",
    ),
    "SNN224": Entry(
        "output that is neither sum nor levels",
        "An output is a curve or a clip of a weighted sum, with no quantizer after it.",
        "End the network in a weighted sum, or in a quantizer.",
    ),
    "SNN225": Entry(
        "addition that integers decide otherwise in places",
        "A warning. Two values of different scales are added, and no integer multipliers that fit the accumulator "
        "decide every pair as the model's runtime does: some lie nearer to the border between two levels than float32 "
        "or the multipliers resolve. The message counts them over all pairs that are possible, not those that occur.",
        "Quantize both operands before the addition, with one scale or scales that are powers of two.",
    ),
    "SNN226": Entry(
        "options without use in a quantized network",
        "A warning. The network brings its own levels, so options that choose levels, scales or rounding change "
        "nothing.",
        "Leave them out.",
    ),
    "SNN227": Entry(
        "input quantized by the compiler",
        "A warning. The model has no quantizer at this input. Its levels are chosen on the calibration data, so only "
        "what follows is the model's own.",
        "Nothing, or quantize the input in the model.",
    ),
    "SNN228": Entry(
        "float weights rounded by the compiler",
        "A warning. The activations of the network are quantized in the model, the weights of this layer are not. They "
        "are rounded to the width of a weight, one scale a channel; thresholds and levels stay the model's own.",
        "Nothing, or quantize the weights in training.",
    ),
    "SNN229": Entry(
        "calibration data needed",
        "A network or an input without quantizers gets its levels from calibration data, and coding 'auto' counts "
        "spikes on them.",
        "Give some hundred representative inputs.",
    ),
}
