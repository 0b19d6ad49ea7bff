"""The table: which ONNX operator is converted by which function."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from snncc.compiler.frontend import onnx_curves as curves
from snncc.compiler.frontend import onnx_linear as linear
from snncc.compiler.frontend import onnx_pointwise as pointwise
from snncc.compiler.frontend import onnx_pools as pools
from snncc.compiler.frontend import onnx_quantizers as quantizers
from snncc.compiler.frontend import onnx_select as select
from snncc.compiler.frontend import onnx_steps as steps
from snncc.compiler.frontend import onnx_transposed as transposed
from snncc.compiler.frontend import onnx_views as views
from snncc.compiler.frontend.onnx_context import Context, Flow
from snncc.compiler.frontend.onnx_resize import resize

# Gives the flow of the only result that is read, or one for every result, None where nothing reads it.
Convert = Callable[[Context], Flow | Sequence[Flow | None]]

CONVERT: dict[tuple[str, str], Convert] = {
    ("", "Add"): pointwise.add,
    ("", "ArgMax"): pointwise.argmax,
    ("", "AveragePool"): pools.average_pool,
    ("", "BatchNormalization"): linear.batch_norm,
    ("", "Cast"): pointwise.cast,
    ("", "CastLike"): pointwise.cast_like,
    ("", "Celu"): curves.celu,
    ("", "Clip"): quantizers.clip,
    ("", "Concat"): views.concat,
    ("", "Conv"): linear.conv,
    ("", "ConvTranspose"): transposed.conv_transpose,
    ("", "DepthToSpace"): views.depth_to_space,
    ("", "Div"): pointwise.div,
    ("", "Dropout"): pointwise.dropout,
    ("", "Elu"): curves.elu,
    ("", "Erf"): curves.erf,
    ("", "Flatten"): views.flatten,
    ("", "Gather"): select.gather,
    ("", "Gelu"): curves.gelu,
    ("", "Gemm"): linear.gemm,
    ("", "GlobalAveragePool"): pools.global_average_pool,
    ("", "GlobalMaxPool"): pools.global_max_pool,
    ("", "HardSigmoid"): curves.hard_sigmoid,
    ("", "HardSwish"): curves.hard_swish,
    ("", "Identity"): pointwise.drop,
    ("", "LeakyRelu"): curves.leaky_relu,
    ("", "LogSoftmax"): pointwise.log_softmax,
    ("", "MatMul"): linear.matmul,
    ("", "Max"): curves.maximum,
    ("", "MaxPool"): pools.max_pool,
    ("", "Mean"): pointwise.mean,
    ("", "Min"): curves.minimum,
    ("", "Mish"): curves.mish,
    ("", "Mul"): pointwise.mul,
    ("", "Neg"): pointwise.neg,
    ("", "PRelu"): curves.prelu,
    ("", "Pad"): views.pad,
    ("", "ReduceMax"): pools.reduce_max,
    ("", "ReduceMean"): pools.reduce_mean,
    ("", "Relu"): curves.relu,
    ("", "Reshape"): views.reshape,
    ("", "Resize"): resize,
    ("", "Selu"): curves.selu,
    ("", "Sigmoid"): curves.sigmoid,
    ("", "Slice"): select.cut,
    ("", "Softmax"): pointwise.softmax,
    ("", "Softplus"): curves.softplus,
    ("", "Softsign"): curves.softsign,
    ("", "SpaceToDepth"): views.space_to_depth,
    ("", "Split"): select.split,
    ("", "Squeeze"): views.squeeze,
    ("", "Sub"): pointwise.sub,
    ("", "Sum"): pointwise.add,
    ("", "Swish"): curves.swish,
    ("", "Tanh"): curves.tanh,
    ("", "Transpose"): views.transpose,
    ("", "Unsqueeze"): views.unsqueeze,
    ("", "Upsample"): resize,
    ("com.microsoft", "FastGelu"): curves.fast_gelu,
    ("com.microsoft", "FusedConv"): linear.fused_conv,
    ("com.microsoft", "FusedGemm"): linear.fused_gemm,
    ("com.microsoft", "Gelu"): curves.gelu,
    ("com.microsoft", "QuickGelu"): curves.quick_gelu,
    (steps.DOMAIN, steps.KIND): steps.steps,
    **{(domain, "QuantizeLinear"): quantizers.quantize_linear for domain in ("", quantizers.CONTRIB)},
    **{(domain, "DequantizeLinear"): quantizers.dequantize_linear for domain in ("", quantizers.CONTRIB)},
    **{(domain, kind): quantizers.quant for domain in quantizers.QONNX for kind in ("Quant", "IntQuant")},
    **{(domain, "BipolarQuant"): quantizers.bipolar_quant for domain in quantizers.QONNX},
    **{(domain, "Trunc"): quantizers.trunc for domain in quantizers.QONNX},
}

# Operators that give the same elements whatever the element type, so they may run before a Cast to float.
ANY_TYPE = frozenset({
    "Cast", "CastLike", "Clip", "Concat", "DepthToSpace", "DequantizeLinear", "Flatten", "Gather", "Identity",
    "MaxPool", "Pad", "Reshape", "Slice", "SpaceToDepth", "Split", "Squeeze", "Transpose", "Unsqueeze",
})  # fmt: skip
