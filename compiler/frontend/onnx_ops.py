"""The table: which ONNX operator is converted by which function."""

from __future__ import annotations

from collections.abc import Callable

from snncc.compiler.frontend import onnx_linear as linear
from snncc.compiler.frontend import onnx_pointwise as pointwise
from snncc.compiler.frontend import onnx_pools as pools
from snncc.compiler.frontend import onnx_views as views
from snncc.compiler.frontend.onnx_context import Context, Flow

Convert = Callable[[Context], Flow]

CONVERT: dict[tuple[str, str], Convert] = {
    ("", "Add"): pointwise.add,
    ("", "ArgMax"): pointwise.argmax,
    ("", "AveragePool"): pools.average_pool,
    ("", "BatchNormalization"): linear.batch_norm,
    ("", "Cast"): pointwise.cast,
    ("", "CastLike"): pointwise.cast_like,
    ("", "Clip"): pointwise.clip,
    ("", "Concat"): views.concat,
    ("", "Conv"): linear.conv,
    ("", "Div"): pointwise.div,
    ("", "Dropout"): pointwise.dropout,
    ("", "Flatten"): views.flatten,
    ("", "Gemm"): linear.gemm,
    ("", "GlobalAveragePool"): pools.global_average_pool,
    ("", "GlobalMaxPool"): pools.global_max_pool,
    ("", "Identity"): pointwise.drop,
    ("", "LogSoftmax"): pointwise.log_softmax,
    ("", "MatMul"): linear.matmul,
    ("", "Max"): pointwise.maximum,
    ("", "MaxPool"): pools.max_pool,
    ("", "Mul"): pointwise.mul,
    ("", "Neg"): pointwise.neg,
    ("", "Pad"): views.pad,
    ("", "ReduceMax"): pools.reduce_max,
    ("", "ReduceMean"): pools.reduce_mean,
    ("", "Relu"): pointwise.relu,
    ("", "Reshape"): views.reshape,
    ("", "Softmax"): pointwise.softmax,
    ("", "Squeeze"): views.squeeze,
    ("", "Sub"): pointwise.sub,
    ("", "Sum"): pointwise.add,
    ("", "Transpose"): views.transpose,
    ("", "Unsqueeze"): views.unsqueeze,
    ("com.microsoft", "FusedConv"): linear.fused_conv,
    ("com.microsoft", "FusedGemm"): linear.fused_gemm,
}

# Operators that give the same elements whatever the element type, so they may run before a Cast to float.
ANY_TYPE = frozenset({
    "Cast", "CastLike", "Concat", "Flatten", "Identity", "MaxPool", "Pad", "Reshape", "Squeeze", "Transpose",
    "Unsqueeze",
})  # fmt: skip
