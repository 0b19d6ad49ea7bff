from snncc.compiler.passes.merge_affine import MergeAffine
from tests.compiler.passes.helpers import Net, run


def test_scalings_in_a_row_become_one() -> None:
    net = Net()
    x = net.affine(net.affine(net.input(2, 3), 2.0, 1.0), [[0.5], [4.0]], [[1.0], [0.0]])
    x = net.affine(x, 3.0, -1.0)
    after = run(net.graph(x), MergeAffine())
    assert len(after.nodes) == 1


def test_a_scaling_that_does_nothing_goes() -> None:
    net = Net()
    x = net.relu(net.affine(net.affine(net.input(2, 3), 2.0, 1.0), 0.5, -0.5))
    assert [node.op.name for node in run(net.graph(x), MergeAffine()).nodes] == ["relu"]


def test_an_inner_scaling_that_others_read_stays() -> None:
    net = Net()
    inner = net.affine(net.input(2, 3), 2.0, 1.0)
    after = run(net.graph(net.relu(inner), net.affine(inner, 3.0, 0.0)), MergeAffine())
    assert len(after.nodes) == 3
