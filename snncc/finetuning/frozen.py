"""The network when it has learned: a module of integers and scales, which torch exports as QuantizeLinear nodes.

Rescaling a value and, inversely, the weights that read it changes no integer, so each learned scale is replaced by the
nearest power of two. Then float32 computes every sum of the module exactly, in any order. Biases end halfway between
two charges, where no sum of integers can tie.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from snncc.compiler.ir.graph import Graph
from snncc.compiler.ir.op import Op
from snncc.finetuning.network import LearningNetwork
from snncc.finetuning.operations import apply, bending, key, weighted_sum
from snncc.finetuning.plan import Levels, Plan


class QuantizedSum(nn.Module):
    """A convolution or dense layer whose weights are integers times a scale a channel.

    Attributes:
        weight: float32 [channels, ...], whole multiples of ``scale``.
        scale: float32 [channels].
        bias: float32, None where there is none.
    """

    weight: Tensor
    scale: Tensor
    zero_point: Tensor
    bias: Tensor | None

    def __init__(self, op: Op, integers: Tensor, scale: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.op = op
        self.register_buffer("scale", scale)
        self.register_buffer("weight", integers * scale.reshape(-1, *(1,) * (integers.ndim - 1)))
        self.register_buffer("zero_point", torch.zeros(len(scale), dtype=torch.int32))
        self.register_buffer("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted sum of [samples, ...]."""
        weight = torch.fake_quantize_per_channel_affine(self.weight, self.scale, self.zero_point, 0, -128, 127)
        return weighted_sum(self.op, x, weight, self.bias)


class Quantizer(nn.Module):
    """Levels lo..hi of a real value each; torch exports 8-bit integers, and narrower ones as a clamp before them.

    Attributes:
        bend: an activation before the quantizer, other than clipping; None where there is none.
    """

    def __init__(self, scale: float, lo: int, hi: int, bend: nn.Module | None) -> None:
        super().__init__()
        self.bend = bend
        self.scale, self.lo, self.hi = scale, lo, hi
        self.signed = lo < 0
        self.narrow = (lo, hi) not in ((0, 255), (-128, 127))

    def forward(self, x: Tensor) -> Tensor:
        """Return x in levels, in real units."""
        if self.bend is not None:
            x = self.bend(x)
        if self.narrow:
            x = torch.clamp(x, self.lo * self.scale, self.hi * self.scale)
        least, most = (-128, 127) if self.signed else (0, 255)
        return torch.fake_quantize_per_tensor_affine(x, self.scale, 0, least, most)


class FineTuned(nn.Module):
    """A fine-tuned network, for ``snncc.compile``.

    Takes the inputs of the network that was fine-tuned, float32 [samples, ...] each, and gives its outputs, which are
    logits where it ended in a softmax. Submodules have the names of the nodes of its graph.

    Attributes:
        inputs: names of what it takes, in order.
        nodes: name, operation and operands of every value.
        outputs: names of what it gives.
        steps: what computes the values that have weights or levels, by ``key`` of their name.
    """

    def __init__(self, graph: Graph, steps: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.inputs = tuple(i.name for i in graph.inputs)
        self.nodes = tuple((node.name, node.op, node.inputs) for node in graph.nodes)
        self.outputs = graph.outputs
        self.steps = nn.ModuleDict(dict(steps))

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Return the output, or a tuple of several."""
        values = {name: self.steps[key(name)](x) for name, x in zip(self.inputs, inputs, strict=True)}
        for name, op, operands in self.nodes:
            own = key(name)
            if own in self.steps:
                values[name] = self.steps[own](values[operands[0]])
            else:
                values[name] = apply(op, [values[operand] for operand in operands])
        outputs = tuple(values[name] for name in self.outputs)
        return outputs[0] if len(outputs) == 1 else outputs


def freeze(network: LearningNetwork) -> FineTuned:
    """Return what a network has learned as a module of integers and scales, in evaluation mode."""
    with torch.no_grad():
        plan = network.plan
        powers = {group: _power(network, group) for group in plan.scales}
        steps: dict[str, nn.Module] = {key(n): _quantizer(plan, one, powers) for n, one in plan.levels.items()}
        for name, nodes in plan.layers.items():
            steps |= _layer(network, name, nodes, powers)
    return FineTuned(plan.graph, steps).eval()


def _power(network: LearningNetwork, group: str) -> float:
    """Return the scale of a group in the frozen network."""
    scale = float(network.scale(group))
    return scale if group in network.plan.fixed else float(2.0 ** round(np.log2(scale)))


def _quantizer(plan: Plan, levels: Levels, powers: Mapping[str, float]) -> Quantizer:
    bend = bending(plan.graph, levels.name)
    return Quantizer(powers[levels.group], levels.lo, levels.hi, bend)


def _layer(
    network: LearningNetwork, name: str, nodes: tuple[str, ...], powers: Mapping[str, float]
) -> dict[str, nn.Module]:
    """Return the sums that add up to a layer; the first of them has the bias of all."""
    plan = network.plan
    sums = [plan.sums[node] for node in nodes]
    group = plan.levels[name].group if name in plan.levels else None
    made = powers[group] if group is not None else 1.0
    scales, wholes = [], []
    for one in sums:
        whole, power, _ = network.parts(one)
        wholes.append(whole)
        scales.append((power * made * one.area / powers[one.source]).flatten())
    units = torch.stack([scale * powers[one.source] / one.area for scale, one in zip(scales, sums, strict=True)])
    stretch = made / float(network.scale(group)) if group is not None else 1.0
    biases = [network.constant(one.node.inputs[2]) * stretch for one in sums if len(one.node.inputs) > 2]
    bias = _settled(biases, units.amin(dim=0), made if group is not None else None)
    parts = zip(sums, wholes, scales, strict=True)
    return {
        key(one.node.name): QuantizedSum(one.node.op, whole, scale, bias if number == 0 else None)
        for number, (one, whole, scale) in enumerate(parts)
    }


def _settled(biases: list[Tensor], unit: Tensor, level: float | None) -> Tensor:
    """Return the sum of biases, moved to where it decides the same and nothing can tie.

    A charge is a whole multiple of the unit. With theta = level / unit = 2^k >= 2, thresholds lie at whole multiples
    too, so the bias may be anything from one multiple to the next: the middle. With theta = 1 they lie between, and the
    nearest multiple serves, as it does for an output.
    """
    total = torch.zeros_like(unit)
    for bias in biases:
        total = total.reshape(-1, *(1,) * (bias.ndim - 1)) + bias if bias.ndim > total.ndim else total + bias
    wide = unit.reshape(-1, *(1,) * (total.ndim - 1))
    nearest = torch.floor(total / wide + 0.5)
    if level is not None:
        nearest = torch.where(wide < level, torch.floor(total / wide) + 0.5, nearest)
    return nearest * wide
