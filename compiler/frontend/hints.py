"""Why an operator is not supported, and the nearest rewrite."""

from __future__ import annotations

_CURVE = "use an activation that is supported, such as Relu or HardSigmoid, and retrain or fine-tune"

# Operators and classes of torch modules, the reason, the rewrite.
_GROUPS = (
    ("ThresholdedRelu", "it jumps at its threshold, where a neuron's levels rise one by one", _CURVE),
    (
        "BiasGelu",
        "it joins a bias and an activation for one machine",
        "import the original model, or save with graph optimization level BASIC",
    ),
    (
        "LSTM GRU RNN",
        "its gates multiply activations with each other",
        "feed the window of time steps as channels of a Conv, or import a spiking recurrent network",
    ),
    (
        "Attention MultiHeadAttention MultiheadAttention GroupQueryAttention Transformer "
        "TransformerEncoderLayer TransformerDecoderLayer",
        "attention multiplies activations with each other",
        "replace the attention by convolutions, or compile the layers before it",
    ),
    (
        "InstanceNormalization LayerNormalization GroupNormalization LRN LpNormalization RMSNormalization "
        "MeanVarianceNormalization SkipLayerNormalization InstanceNorm1d InstanceNorm2d LayerNorm GroupNorm "
        "LocalResponseNorm RMSNorm",
        "it divides by statistics of the sample at hand",
        "use BatchNormalization, which folds into the weights, and retrain",
    ),
    (
        "Col2Im GridSample DeformConv AffineGrid RoiAlign MaxRoiPool MaxUnpool",
        "it moves elements to places that depend on the sample, or adds them up there",
        "use Conv, ConvTranspose, DepthToSpace or nearest Resize, or end the network before it",
    ),
    ("LpPool GlobalLpPool", "its mean is not linear", "use a strided Conv, MaxPool or AveragePool"),
    (
        "GatherElements GatherND ScatterElements ScatterND TopK Compress",
        "it selects or replaces elements one by one",
        "use Slice, Split or Gather with constants, or select by the weights of a Conv or Linear layer",
    ),
    (
        "If Loop Scan SequenceMap",
        "control flow depends on values at run time",
        "export the branch that is used, or unroll the loop before exporting",
    ),
    (
        "QLinearConv QLinearMatMul QLinearAdd QGemm ConvInteger MatMulInteger DynamicQuantizeLinear FloatQuant "
        "MultiThreshold",
        "it computes with quantized values in a form that is not read",
        "save the network with QuantizeLinear and DequantizeLinear around float operators, or with QONNX's Quant",
    ),
    (
        "ReorderInput ReorderOutput",
        "it holds weights in the layout of one machine",
        "import the original model, or save with graph optimization level BASIC",
    ),
    (
        "Pow Sqrt Exp Log Abs Reciprocal Sin Cos Floor Ceil Round Sign Mod",
        "it is neither linear nor one of the activations that a neuron can have",
        _CURVE,
    ),
    (
        "ReduceSum ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSumExp",
        "of the reductions, only means and maxima over spatial axes are supported",
        "use ReduceMean or a pooling layer",
    ),
    (
        "Where Equal Greater Less And Or Not NonZero GreaterOrEqual LessOrEqual",
        "it decides on values at run time",
        "express the decision by Relu or Clip",
    ),
    (
        "RandomNormal RandomUniform RandomNormalLike RandomUniformLike Bernoulli Multinomial",
        "it is random",
        "export the model in evaluation mode",
    ),
    ("Shape Size", "the shape is not known in advance", "export the model with fixed sizes"),
    ("Einsum", "a synapse multiplies by a constant weight only", "write it as Linear or Conv layers"),
    ("Expand Tile", "it repeats an activation", "give the layer its full size by its weights"),
    ("Embedding", "token ids are no spikes", "feed the embedded vectors as float input"),
)
HINTS = {name: (reason, hint) for names, reason, hint in _GROUPS for name in names.split()}
_DEFAULT = ("the compiler knows no spiking form of it", "rewrite it with Conv, Gemm, Relu, pooling and Add")


def hint_for(op: str, domain: str = "") -> tuple[str, str]:
    """Return the reason and the nearest rewrite for an unsupported operator.

    Args:
        op: operator type.
        domain: operator domain, ``""`` for ONNX's own.
    """
    return HINTS["ReorderInput"] if domain == "com.microsoft.nchwc" else HINTS.get(op, _DEFAULT)
