"""The network while it learns: float weights, rounded on the way, so that the loss sees what the chip will compute."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from snncc.compiler.ir.graph import Node
from snncc.finetuning.operations import apply, bending, key, weighted_sum
from snncc.finetuning.plan import Plan, Sum
from snncc.finetuning.quantizers import as_levels, exponents, integers


class LearningNetwork(nn.Module):
    """Computes a plan with rounded weights and levels.

    Attributes:
        plan: what it computes.
        constants: weights and biases, by ``key`` of their name.
        logarithms: log2 of the real value of a level, by ``key`` of its group.
        bends: activations other than clipping, by ``key`` of their node.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        graph = plan.graph
        bends = {name: bending(graph, name) for name in plan.levels}
        self.bends = nn.ModuleDict({key(name): bend for name, bend in bends.items() if bend is not None})
        learned = {name for node in graph.nodes if node.op.linear for name in node.inputs[1:]}
        self.constants = nn.ParameterDict(
            {key(n): nn.Parameter(torch.from_numpy(np.array(graph.constants[n], np.float32))) for n in sorted(learned)}
        )
        begin = {group: torch.tensor(np.float32(np.log2(scale))) for group, scale in plan.scales.items()}
        self.logarithms = nn.ParameterDict(
            {key(group): nn.Parameter(log, requires_grad=group not in plan.fixed) for group, log in begin.items()}
        )

    def scale(self, group: str) -> Tensor:
        """Return the real value of a level of a group."""
        return torch.exp2(self.logarithms[key(group)])

    def ratio(self, one: Sum) -> Tensor:
        """Return the weight with which one level, or one of a mean's sum, makes one level of the target."""
        target = self.plan.levels[one.target].group if one.target is not None else None
        made = self.scale(target) if target is not None else torch.ones(())
        return made * one.area / self.scale(one.source)

    def parts(self, one: Sum) -> tuple[Tensor, Tensor, Tensor]:
        """Return the integers of a weight, 2^-k of each channel, and the ratio; their product is the weight."""
        weight, ratio = self.constant(one.node.inputs[1]), self.ratio(one)
        power = exponents(weight, one.bits, ratio, one.target is not None)
        return integers(weight, one.bits, power * ratio), power, ratio

    def constant(self, name: str) -> Tensor:
        """Return a learned constant."""
        found: Tensor = self.constants[key(name)]
        return found

    def forward(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        """Return the outputs, in the order of the graph's."""
        values = {name: self._levels(name, x) for name, x in inputs.items()}
        for node in self.plan.graph.nodes:
            values[node.name] = self._value(node, values)
        return [values[name] for name in self.plan.graph.outputs]

    def _value(self, node: Node, values: Mapping[str, Tensor]) -> Tensor:
        if node.name in self.plan.sums:
            whole, power, ratio = self.parts(self.plan.sums[node.name])
            bias = self.constant(node.inputs[2]) if len(node.inputs) > 2 else None
            return weighted_sum(node.op, values[node.inputs[0]], whole * power * ratio, bias)
        if node.name in self.plan.levels:
            x = values[node.inputs[0]]
            return self._levels(node.name, self.bends[key(node.name)](x) if key(node.name) in self.bends else x)
        return apply(node.op, [values[name] for name in node.inputs])

    def _levels(self, name: str, x: Tensor) -> Tensor:
        levels = self.plan.levels[name]
        return as_levels(x, self.scale(levels.group), levels.lo, levels.hi)
