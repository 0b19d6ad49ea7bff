from snncc.compiler.passes.merge_views import MergeViews
from tests.compiler.passes.helpers import Net, run


def _ops(*outputs: str, net: Net) -> list[str]:
    return [node.op.name for node in run(net.graph(*outputs), MergeViews()).nodes]


def test_reshapes_in_a_row_become_one() -> None:
    net = Net()
    x = net.reshape(net.reshape(net.reshape(net.input(2, 6), 3, 4), 12), 4, 3)
    assert _ops(x, net=net) == ["reshape"]


def test_transposes_that_undo_each_other_go() -> None:
    net = Net()
    x = net.transpose(net.transpose(net.input(2, 3, 4), 1, 2, 0), 2, 0, 1)
    assert _ops(net.relu(x), net=net) == ["relu"]


def test_transposes_in_a_row_become_one() -> None:
    net = Net()
    x = net.transpose(net.transpose(net.input(2, 3, 4), 1, 2, 0), 1, 0, 2)
    assert _ops(x, net=net) == ["transpose"]


def test_a_transpose_of_axes_of_size_one_is_a_reshape() -> None:
    net = Net()
    x = net.reshape(net.transpose(net.input(5, 1, 1), 1, 2, 0), 5)
    assert _ops(x, net=net) == ["reshape"]


def test_a_reshape_to_its_own_shape_goes() -> None:
    net = Net()
    assert _ops(net.relu(net.reshape(net.input(4), 4)), net=net) == ["relu"]


def test_selections_in_a_row_become_one() -> None:
    net = Net()
    x = net.input(5, 6, 7)
    slices = net.slice(net.slice(x, (1, 5, 1), (0, 6, 2), (0, 7, 3)), (1, 3, 1), (1, 3, 1), (0, 3, 2))
    ups = net.upsample(net.upsample(x, 2, 1), 2, 3)
    dilates = net.dilate(net.dilate(x, 2, 1), 2, 3)
    assert sorted(_ops(slices, ups, dilates, net=net)) == ["dilate", "slice", "upsample"]


def test_what_selects_everything_goes() -> None:
    net = Net()
    x = net.slice(net.upsample(net.dilate(net.input(1, 2, 2), 1, 1), 1, 1), (0, 1, 1), (0, 2, 1), (0, 2, 1))
    assert _ops(net.relu(net.pad(net.concat(x), *[0] * 6)), net=net) == ["relu"]
