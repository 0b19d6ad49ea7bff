"""Torch modules with fake quantization, of any range up to 16 bits, are taken over as they are."""

from __future__ import annotations

import numpy as np
import pytest

import snncc
from snncc.compiler.ir.quantizer import IntegerWeight, Quantizer

torch = pytest.importorskip("torch")


class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
    """Fake quantization by numbers and by tensors, of 8, 4 and 2 bits, narrowed by a range or by a clamp."""

    def __init__(self) -> None:
        """Make the layers."""
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.last = torch.nn.Conv2d(1, 3, 3), torch.nn.Linear(3 * 16, 4)
        self.register_buffer("scales", torch.tensor([0.0625, 0.125, 0.03125]))
        self.register_buffer("zeros", torch.zeros(3, dtype=torch.int32))
        self.register_buffer("scale", torch.tensor(0.25))
        self.register_buffer("zero", torch.tensor(0, dtype=torch.int32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[name-defined]
        """Return logits."""
        x = torch.fake_quantize_per_tensor_affine(x, 1 / 64, 3, 0, 255)
        weight = torch.fake_quantize_per_channel_affine(self.conv.weight, self.scales, self.zeros, 0, -7, 7)
        x = torch.relu(torch.nn.functional.conv2d(x, weight, self.conv.bias))
        x = torch.fake_quantize_per_tensor_affine(x, self.scale, self.zero, 0, 3)
        x = torch.fake_quantize_per_tensor_affine(torch.clamp(x, 0.0, 0.5), 0.25, 0, 0, 255)
        weight = torch.fake_quantize_per_tensor_affine(self.last.weight, 1 / 32, 0, -127, 127)
        return torch.nn.functional.linear(torch.flatten(x, 1), weight, self.last.bias)


def test_a_module_with_fake_quantization_keeps_its_levels() -> None:
    x = np.random.default_rng(1).integers(0, 64, (8, 1, 6, 6)).astype(np.float32) / 64
    module = Net().eval()
    graph = snncc.import_model(module, torch.from_numpy(x[:2]))
    assert sum(isinstance(node.op, Quantizer) for node in graph.nodes) >= 3
    assert sum(isinstance(node.op, IntegerWeight) for node in graph.nodes) == 2
    program = snncc.compile(graph)
    levels = program.population["x.levels"].claim
    assert levels is not None
    assert (levels.lo, levels.hi) == (-3, 252)
    hidden = [p.claim.hi for p in program.populations if p.claim is not None and p.claim.kind in ("fire", "ladder")]
    assert hidden == [2]  # the clamp leaves 0, 0.25 and 0.5
    (have,) = snncc.run(program, x).values()
    with torch.no_grad():
        wanted = module(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(have, wanted, atol=2e-4)
