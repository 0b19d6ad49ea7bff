"""Synaptic events of a torch.fx network, counted by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, fx, nn  # noqa: E402

from bench.fx_events import Counting, depth_of, fan_out, passes_sums  # noqa: E402


class Skip(nn.Module):
    """Two dense layers with a ReLU each, the input of the second added to its output."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.relu = nn.Linear(3, 4), nn.ReLU()
        self.second, self.last = nn.Linear(4, 4), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        inner = self.relu(self.first(x))
        return self.last(self.second(inner) + inner)


def test_a_pixel_meets_fewer_weights_at_the_edge() -> None:
    layer = nn.Conv2d(1, 2, 3, padding=1)
    nn.init.ones_(layer.weight)
    found = fan_out(layer, torch.zeros(1, 1, 3, 3))[0, 0]
    assert found.tolist() == [[8, 12, 8], [12, 18, 12], [8, 12, 8]]


def test_a_weight_of_zero_is_no_synapse() -> None:
    layer = nn.Linear(2, 3)
    nn.init.ones_(layer.weight)
    with torch.no_grad():
        layer.weight[0, 1] = 0
    assert fan_out(layer, torch.zeros(1, 2)).tolist() == [[3, 2]]


def test_events_are_counted_in_every_step_skips_included() -> None:
    network = Skip()
    nn.init.ones_(network.first.weight)
    nn.init.zeros_(network.first.bias)
    nn.init.ones_(network.second.weight)
    counting = Counting(fx.symbolic_trace(network))
    inputs = torch.tensor([[1.0, 0.0, 2.0]])
    counting.run(inputs)
    assert counting.events == 2 * 4 + 4 * 4 + 4
    counting.run(inputs)
    assert counting.events == 2 * (2 * 4 + 4 * 4 + 4)
    assert counting.inputs == 2 * (2 * 4)


def test_the_depth_is_that_of_the_longest_path() -> None:
    assert depth_of(fx.symbolic_trace(Skip()), nn.ReLU) == 2


@pytest.mark.parametrize(("layers", "passes"), [((nn.Linear(3, 3), nn.ReLU()), False), ((nn.Linear(3, 3),), True)])
def test_sums_are_passed_on_where_no_neuron_is_between(layers: tuple[nn.Module, ...], passes: bool) -> None:
    network = fx.symbolic_trace(nn.Sequential(*layers, nn.Flatten(), nn.Linear(3, 2)))
    assert passes_sums(network, nn.ReLU) is passes
