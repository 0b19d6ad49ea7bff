import numpy as np
import pytest

from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.passes.base import run_passes
from snncc.compiler.passes.batch_norm_to_affine import BatchNormToAffine
from tests.compiler.passes.helpers import Net, run


def test_batch_norm_becomes_one_scale_and_shift_per_channel() -> None:
    net = Net()
    after = run(net.graph(net.batch_norm(net.input(3, 4, 4), name="bn")), BatchNormToAffine())
    assert [node.op.name for node in after.nodes] == ["affine"]
    assert after.nodes[0].name == "bn"
    assert after.constants["bn.scale"].shape == (3, 1, 1)


def test_batch_norm_of_a_vector_works() -> None:
    net = Net()
    run(net.graph(net.batch_norm(net.input(5))), BatchNormToAffine())


def test_a_variance_that_is_not_positive_is_reported_for_every_batch_norm() -> None:
    net = Net()
    for name in ("one", "two"):
        net.batch_norm(net.input(2, name=f"x_{name}"), name=name)
        net.const(f"{name}.var", np.array([1.0, -1.0]))
    with pytest.raises(SnnccError) as error:
        run_passes(net.graph("one", "two"), [BatchNormToAffine()])
    assert [d.code for d in error.value.diagnostics] == ["SNN127", "SNN127"]
    assert "%one (batch_norm)" in str(error.value)
