"""Synaptic events of a torch.fx network: the nonzero weights of its layers that nonzero inputs meet."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, fx, nn

WEIGHTED = (nn.Conv1d, nn.Conv2d, nn.Linear)
PASSING = (nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Identity)  # one synapse of each input, where windows do not overlap


class Counting(fx.Interpreter):
    """Runs a network one step a call and adds up its synaptic events.

    Attributes:
        events: of all samples in all steps so far.
        inputs: those among them that the network's inputs cause.
    """

    def __init__(self, spiking: fx.GraphModule) -> None:
        super().__init__(spiking)
        self.modules = dict(spiking.named_modules())
        self.fan_out: dict[str, Tensor] = {}
        self.events, self.inputs = 0.0, 0.0
        self.shown: set[fx.Node] = set()  # values that are the input, padded or flattened

    def run_node(self, n: fx.Node) -> Any:
        """Run one node; count the nonzero weights that its nonzero inputs meet."""
        module, sources = self._module_of(n), n.all_input_nodes
        if isinstance(module, (*WEIGHTED, *PASSING)):
            given = self.env[sources[0]]
            met = float((self._fan_out(n.name, module, given) * (given != 0)).sum())
            self.events += met
            self.inputs += met * (sources[0] in self.shown)
        elif n.op == "call_function":
            plain = [a for a in sources if not isinstance(self._module_of(a), (*WEIGHTED, *PASSING))]
            self.events += float(sum((self.env[a] != 0).sum() for a in plain))
        elif n.op == "placeholder" or all(source in self.shown for source in sources):
            self.shown.add(n)
        return super().run_node(n)

    def _module_of(self, node: fx.Node) -> nn.Module | None:
        return self.modules.get(node.target) if node.op == "call_module" and isinstance(node.target, str) else None

    def _fan_out(self, name: str, module: nn.Module, given: Tensor) -> Tensor:
        """Return how many nonzero weights each input of a layer meets, [1, *shape]."""
        if name not in self.fan_out:
            self.fan_out[name] = fan_out(module, given[:1])
        return self.fan_out[name]


def fan_out(module: nn.Module, given: Tensor) -> Tensor:
    """Return the nonzero weights that each element of an input [1, *shape] meets: the slope of their sum."""
    if isinstance(module, PASSING):
        return torch.ones_like(given)
    counting = deepcopy(module)
    for parameter in counting.parameters():
        parameter.data = (parameter != 0).to(given.dtype)
    with torch.enable_grad():
        leaf = torch.zeros_like(given, requires_grad=True)
        (slope,) = torch.autograd.grad(counting(leaf).sum(), leaf)
    return slope


def depth_of(network: fx.GraphModule, neuron: type[nn.Module]) -> int:
    """Return the number of modules of a kind on the longest path."""
    modules, depth = dict(network.named_modules()), dict[fx.Node, int]()
    for node in network.graph.nodes:
        before = max((depth[source] for source in node.all_input_nodes), default=0)
        depth[node] = before + (node.op == "call_module" and isinstance(modules[node.target], neuron))
    return max(depth.values())


def passes_sums(network: fx.GraphModule, neuron: type[nn.Module]) -> bool:
    """Return whether a weighted layer reads another's sums, with no neuron between them; averages are let pass."""
    modules, sums = dict(network.named_modules()), set[fx.Node]()
    found = False
    for node in network.graph.nodes:
        module = modules.get(node.target) if node.op == "call_module" else None
        summed = any(source in sums for source in node.all_input_nodes)
        found |= summed and isinstance(module, WEIGHTED)
        if isinstance(module, WEIGHTED) or (summed and not isinstance(module, neuron)):
            sums.add(node)
    return found
