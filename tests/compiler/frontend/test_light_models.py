"""The published networks that the onnx package ships: the imported graph computes what they compute.

VGG19 alone holds 550 MB of weights; it is tried where SNNCC_LARGE_MODELS is set, and by ``python -m
bench.light_models``, which goes through all of them.
"""

import os
from collections import Counter

import numpy as np
import onnx
import pytest

from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.frontend.onnx_reader import import_onnx
from snncc.compiler.ir.to_onnx import to_onnx
from tests.compiler.frontend.models import agrees, kinds, run
from tests.light_models import FOLDER, IMPORTED, REFUSED, path_of, shipped_input, shipped_output, with_random_weights

TOLERANCE = 1e-4
LARGE = {"vgg19"}
TRIED = [name for name in IMPORTED if name not in LARGE or os.environ.get("SNNCC_LARGE_MODELS")]
SHAPES = {
    "densenet121": {"batch_norm": 121, "affine": 242, "concat": 58},
    "inception_v2": {"batch_norm": 69, "affine": 138, "concat": 10},
    "resnet50": {"batch_norm": 53, "add": 16, "tail": 1},
    "shufflenet": {"reshape": 33, "transpose": 16, "add": 13},
    "squeezenet": {"concat": 8, "relu": 26, "tail": 1},
    "vgg19": {"conv": 16, "dense": 3, "relu": 18},
}


@pytest.mark.parametrize("name", TRIED)
def test_an_imported_network_reproduces_the_shipped_output(name: str) -> None:
    graph = import_onnx(path_of(name))
    (given,) = graph.inputs
    (found,) = run(to_onnx(graph), {given.name: shipped_input(given.type.shape)})
    wanted = shipped_output(name)
    assert np.abs(found.reshape(wanted.shape) - wanted).max() <= TOLERANCE * np.abs(wanted).max()
    assert SHAPES[name].items() <= Counter(kinds(graph)).items()


@pytest.mark.parametrize("name", ["squeezenet", "shufflenet"])
def test_it_agrees_with_onnxruntime_on_random_weights_too(name: str) -> None:
    agrees(with_random_weights(onnx.load(path_of(name))), batch=1)


@pytest.mark.parametrize("name", REFUSED)
def test_a_network_with_local_response_normalization_names_each_of_them_and_nothing_else(name: str) -> None:
    with pytest.raises(SnnccError) as error:
        import_onnx(path_of(name))
    assert [(d.code, d.loc.op) for d in error.value.diagnostics] == [("SNN102", "LRN")] * 2
    assert all("divides by statistics of the sample" in d.message for d in error.value.diagnostics)


def test_every_shipped_network_is_known() -> None:
    assert {path_of(name) for name in (*IMPORTED, *REFUSED)} == set(FOLDER.glob("*.onnx"))
