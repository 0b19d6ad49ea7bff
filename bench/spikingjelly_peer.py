"""SpikingJelly's ann2snn on the same networks: convert, run step by step, count what an inference costs.

The recipes are its ``RateCodingRecipe`` with channel-wise thresholds and half a threshold in every membrane at the
start (``channel_wise``, ``half_threshold``, ``pre_spike_maxpool``), its thresholds the maximum, the 99.9th or the 99th
percentile of each channel, and ``LocalThresholdBalancingRecipe``; calibrated on the same inputs as ours. Weights and
membranes stay float32, the input is shown as real numbers in every step, the class is that of the largest sum of the
outputs over all steps, as in SpikingJelly's own examples.

Counted as ours are, and where a definition must be chosen, in the peer's favour:

- *steps*: T + L - 1, L the spiking layers on the longest path: layer i's first spikes meet layer i + 1 a step later.
  Pooling, additions and layers without activation, which have no neurons here, take no steps.
- *interval*: T; that membranes are reset between samples takes no time.
- *synaptic events*: in each step, for each convolution, dense layer, average pooling and identity skip, the nonzero
  weights met by inputs that are not 0 (spikes, the pixels shown, and the sums that layers without activation pass on).
  Max-pooling, which acts on membrane inputs before the neuron, is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from spikingjelly.activation_based import ann2snn, functional
from spikingjelly.activation_based.neuron import BaseNode
from torch import Tensor, fx, nn

from bench.fx_events import Counting, depth_of, passes_sums

Floats = npt.NDArray[np.float32]
BALANCED, PASSES = 32, 25  # inputs of an update of the balanced thresholds, passes over the calibration inputs
RECIPES: Mapping[str, Callable[[Tensor], Any]] = {
    **{
        mode: partial(
            lambda x, mode: ann2snn.RateCodingRecipe(
                [x], mode=mode, channel_wise=True, half_threshold=True, pre_spike_maxpool=True
            ),
            mode=mode,
        )
        for mode in ("Max", "99.9%", "99%")
    },
    "balanced": lambda x: ann2snn.LocalThresholdBalancingRecipe([*torch.split(x, BALANCED)] * PASSES),
}


@dataclass(frozen=True)
class Peer:
    """What one recipe gives of one network at one number of steps.

    Attributes:
        recipe: key of RECIPES.
        shows: T, how often the input is shown.
        classes: int64 [samples].
        layers: L, spiking layers on the longest path.
        events: mean synaptic events an inference.
        input_events: those among them that the pixels shown cause.
        one_bit: whether layers with a neuron are all that send: no sums are passed on as real numbers.
    """

    recipe: str
    shows: int
    classes: npt.NDArray[np.int64]
    layers: int
    events: float
    input_events: float
    one_bit: bool


def torch_network(name: str, model: Path) -> nn.Module:
    """Return an example's torch module with the weights of its shipped ONNX file, in eval mode.

    Raises:
        ValueError: the file lacks a parameter of the module.
    """
    network: nn.Module = import_module(f"examples.{name}.train").build_network()
    shipped = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(model).graph.initializer}
    wanted = [key for key in network.state_dict() if not key.endswith("num_batches_tracked")]
    missing = [key for key in wanted if key not in shipped]
    if missing:
        raise ValueError(f"{model.name} lacks {', '.join(missing)}")
    state = {key: torch.from_numpy(shipped[key].copy()) for key in wanted}
    network.load_state_dict(state, strict=False)
    return network.eval()


def padded_outside(network: nn.Module, inputs: Sequence[Floats]) -> tuple[nn.Module, list[Floats]]:
    """Return a network and its inputs with the padding that the network begins with moved to the inputs.

    SpikingJelly has no step for ``ZeroPad2d``; zeros cause no synaptic events.
    """
    if not isinstance(network, nn.Sequential) or not isinstance(network[0], nn.ZeroPad2d):
        return network, list(inputs)
    return network[1:], [network[0](torch.from_numpy(x)).numpy() for x in inputs]


def convert(network: nn.Module, calibration: Floats, recipe: str) -> fx.GraphModule:
    """Return the spiking network that a recipe makes."""
    made = RECIPES[recipe](torch.from_numpy(calibration))
    spiking: fx.GraphModule = ann2snn.FXConverter(recipe=made, device="cpu").convert(deepcopy(network))
    return spiking.eval()


@torch.no_grad()
def run(spiking: fx.GraphModule, x: Floats, shown: Sequence[int], batch: int = 250) -> dict[int, npt.NDArray[np.int64]]:
    """Return the class of each input, int64 [samples], after each number of steps in ``shown``, ascending."""
    found: dict[int, list[npt.NDArray[np.int64]]] = {steps: [] for steps in shown}
    for some in torch.split(torch.from_numpy(x), batch):
        functional.reset_net(spiking)
        total = torch.zeros(())
        for step in range(1, max(shown) + 1):
            total = total + spiking(some)
            if step in found:
                found[step].append(total.argmax(1).numpy())
    return {steps: np.concatenate(parts) for steps, parts in found.items()}


@torch.no_grad()
def events(spiking: fx.GraphModule, x: Floats, shown: Sequence[int]) -> dict[int, tuple[float, float]]:
    """Return the mean synaptic events an inference, and those of the input, for each number of steps in ``shown``."""
    functional.reset_net(spiking)
    counting, inputs, found = Counting(spiking), torch.from_numpy(x), {}
    for step in range(1, max(shown) + 1):
        counting.run(inputs)
        if step in shown:
            found[step] = counting.events / len(x), counting.inputs / len(x)
    return found


def peers(name: str, model: Path, calibration: Floats, x: Floats, counted: int, shown: Sequence[int]) -> list[Peer]:
    """Return what every recipe gives of an example.

    Args:
        name: of the example.
        model: its ONNX file.
        calibration: inputs that the thresholds are chosen on.
        x: test inputs.
        counted: synaptic events are counted on the first so many of them.
        shown: numbers of steps.
    """
    network, (calibration, x) = padded_outside(torch_network(name, model), (calibration, x))
    found = []
    for recipe in RECIPES:
        spiking = convert(network, calibration, recipe)
        classes, counts = run(spiking, x, shown), events(spiking, x[:counted], shown)
        depth, plain = depth_of(spiking, BaseNode), not passes_sums(spiking, BaseNode)
        found += [Peer(recipe, steps, classes[steps], depth, *counts[steps], plain) for steps in shown]
    return found
