"""Why an operator is not supported, and the nearest rewrite."""

from __future__ import annotations

_RELU = "use Relu or ReLU6 there and retrain or fine-tune"

# Operators and classes of torch modules, the reason, the rewrite.
_GROUPS = (
    (
        "Sigmoid Tanh LeakyRelu LeakyReLU Gelu GELU HardSwish Hardswish HardSigmoid Hardsigmoid Elu ELU Selu "
        "Celu PRelu PReLU Softplus Softsign Mish Swish SiLU Erf ThresholdedRelu QuickGelu FastGelu BiasGelu",
        "a spiking neuron fires a rectified, saturating response, not this curve",
        _RELU,
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
    ("Resize Upsample", "it interpolates", "use strides and pooling only, or end the network before it"),
    (
        "ConvTranspose ConvTranspose1d ConvTranspose2d DepthToSpace SpaceToDepth Col2Im GridSample DeformConv",
        "it spreads or rearranges positions in a way that no layer of the compiler does",
        "use Conv layers and pooling only, or end the network before it",
    ),
    ("LpPool GlobalLpPool", "its mean is not linear", "use a strided Conv, MaxPool or AveragePool"),
    (
        "Slice Split Gather GatherElements GatherND TopK Compress",
        "it selects parts of an activation",
        "select by the weights: give each branch a Conv or Linear layer of its own",
    ),
    (
        "If Loop Scan SequenceMap",
        "control flow depends on values at run time",
        "export the branch that is used, or unroll the loop before exporting",
    ),
    (
        "QuantizeLinear DequantizeLinear QLinearConv QLinearMatMul ConvInteger MatMulInteger "
        "DynamicQuantizeLinear Quant BipolarQuant IntQuant FloatQuant Trunc MultiThreshold",
        "the model is quantized already",
        "import the float model: the compiler quantizes it and reports the loss",
    ),
    (
        "ReorderInput ReorderOutput",
        "it holds weights in the layout of one machine",
        "import the original model, or save with graph optimization level BASIC",
    ),
    (
        "Pow Sqrt Exp Log Abs Reciprocal Sin Cos Floor Ceil Round Sign Mod Min",
        "it is not linear in the activation",
        _RELU,
    ),
    (
        "ReduceSum ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSumExp",
        "of the reductions, only means and maxima over all spatial axes are",
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
