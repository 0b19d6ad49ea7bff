"""The ESPCN networks of qonnx, cut to small images, are what tests take them for."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from snncc.runtime.floats import FloatNetwork
from tests.nets import espcn


@pytest.mark.skipif(find_spec("qonnx") is None, reason="qonnx, which ships the files, is not installed")
@pytest.mark.parametrize(("kind", "factor"), [("subpixel", 3), ("nn_resize", 2)])
def test_an_espcn_enlarges_images_of_any_size(kind: str, factor: int) -> None:
    model, x = espcn(kind, side=8)
    assert x.shape == (64, 3, 8, 8)
    assert x.dtype == np.float32
    assert x.min() >= 0
    assert x.max() <= 1
    network = FloatNetwork(model.SerializeToString())
    (image,) = network.run({model.graph.input[0].name: x[:1]}).values()
    assert image.shape == (1, 3, 8 * factor, 8 * factor)
