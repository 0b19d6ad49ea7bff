"""Fine-tuning: held-out accuracy rises, the program computes what was trained, and nothing else changes."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snncc

torch: Any = pytest.importorskip("torch")
nn: Any = torch.nn
WIDTHS = {"": 2, "relu": 8, "linear": 8}  # what fine-tuning makes of weight_bits=2: first and last layer keep 8
DIGITS = Path(__file__).parents[3] / "examples" / "mnist_cnn"


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def digits() -> dict[str, dict[str, np.ndarray]]:
    return {name: dict(np.load(DIGITS / f"{name}.npz")) for name in ("calibration", "test")}


class Shapes(nn.Module):  # type: ignore[misc]
    """Every kind of value that gets levels: a capped stem, a linear bottleneck, skips, a mean, a leaky layer."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU6())
        self.narrow = nn.Conv2d(6, 4, 1)
        self.wide = nn.Conv2d(4, 6, 3, padding=1)
        self.down = nn.Sequential(nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8))
        self.skip = nn.Conv2d(6, 8, 1, stride=2)
        self.leaky = nn.Sequential(nn.Conv2d(16, 8, 3, padding=(0, 1)), nn.LeakyReLU(0.1))
        self.pool = nn.AvgPool2d(2)
        self.last = nn.Linear(8 * 3 * 4, 10)
        self.dropout = nn.Dropout()

    def forward(self, x: Any) -> Any:
        x = self.stem(nn.functional.max_pool2d(x, 2, padding=1))
        x = torch.relu(x + self.wide(self.narrow(x)))
        x = torch.relu(self.down(x) + self.skip(x))
        x = self.pool(self.leaky(torch.cat([x, torch.relu(self.dropout(x))], dim=1)))
        return torch.log_softmax(self.last(x.flatten(1)), dim=1)


def shapes_net(images: np.ndarray) -> Any:
    """Return an untrained network whose batch norms have seen images; it is left in training mode."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        module = Shapes()
        with torch.no_grad():
            module(torch.from_numpy(images))
    return module


def accuracy(program: snncc.Program, data: dict[str, np.ndarray]) -> float:
    return float((snncc.run(program, data["x"])[program.outputs[0].name].argmax(axis=1) == data["y"]).mean())


def levels_of(module: Any, images: np.ndarray) -> list[np.ndarray]:
    """Return the levels of every quantizer of a module, in the order in which they are computed."""
    seen: list[np.ndarray] = []

    def record(part: Any, inputs: Any, output: Any) -> None:
        seen.append(np.rint(output.numpy() / part.scale).astype(np.int64))

    parts = [part for part in module.modules() if type(part).__name__ == "Quantizer"]
    hooks = [part.register_forward_hook(record) for part in parts]
    with torch.no_grad():
        module(torch.from_numpy(images))
    for hook in hooks:
        hook.remove()
    return seen


def test_one_bit_and_ternary_weights_come_near_to_float(digits: dict[str, dict[str, np.ndarray]]) -> None:
    learn, test = digits["calibration"], digits["test"]
    model, losses = DIGITS / "mnist_cnn.onnx", list[tuple[int, int, float]]()
    before = snncc.compile(model, learn["x"], bits=1, weight_bits=WIDTHS)
    module = snncc.finetune(
        model, learn["x"], learn["y"], bits=1, weight_bits=2, epochs=8, progress=lambda *told: losses.append(told)
    )
    after = snncc.compile(module, learn["x"])
    assert accuracy(after, test) > accuracy(before, test) + 0.01  # 0.982 and 0.957 when this was written
    assert accuracy(after, test) > 0.96
    assert [told[:2] for told in losses] == [(epoch, 8) for epoch in range(1, 9)]
    assert losses[-1][2] < losses[0][2]
    report = snncc.verify(after, test["x"], test["y"], limit=2)
    assert report.exact
    assert report.float_accuracy == report.integer_accuracy


def test_every_integer_of_the_program_is_the_trained_one(digits: dict[str, dict[str, np.ndarray]]) -> None:
    learn, images = digits["calibration"], digits["test"]["x"][:40]
    module = snncc.finetune(
        shapes_net(learn["x"][:64]), learn["x"][:64], learn["y"][:64], bits=2, weight_bits=3, epochs=1
    )
    program = snncc.compile(module, learn["x"])
    assert program.origin is not None
    network = program.origin.network
    fired = [node for node in network.nodes if node.op.name in ("encode", "encode_even", "fire", "ladder")]
    from snncc.runtime.reference import encode, execute

    have = execute(network, encode(network, {network.inputs[0].name: images}))
    wanted = levels_of(module, images)
    names = [node.name for node in fired if "avg_pool" not in node.name]
    assert len(names) == len(wanted)
    for name, levels in zip(names, wanted, strict=True):
        np.testing.assert_array_equal(have[name].reshape(levels.shape), levels, name)
    with torch.no_grad():
        logits = module(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(snncc.run(program, images)[program.outputs[0].name], logits, rtol=1e-5, atol=1e-5)
    assert snncc.verify(program, images, limit=2).exact


def test_the_module_the_mode_and_the_random_state_stay_as_they_were(digits: dict[str, dict[str, np.ndarray]]) -> None:
    learn = digits["calibration"]
    module = shapes_net(learn["x"][:64])
    module.skip.eval()
    before, modes = copy.deepcopy(module.state_dict()), [part.training for part in module.modules()]
    state = torch.random.get_rng_state()
    numbers: Any = np.random.get_state()
    made = snncc.finetune(module, learn["x"][:64], learn["y"][:64], epochs=1)
    assert torch.equal(torch.random.get_rng_state(), state)
    after: Any = np.random.get_state()
    assert np.array_equal(after[1], numbers[1])
    assert [part.training for part in module.modules()] == modes
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())
    assert not made.training
    assert copy.deepcopy(made)(torch.from_numpy(learn["x"][:2])).shape == (2, 10)


def test_equal_seeds_give_equal_modules(digits: dict[str, dict[str, np.ndarray]]) -> None:
    learn = digits["calibration"]
    states = []
    for seed in (1, 1, 2):
        torch.rand(3)  # what else draws random numbers does not matter
        made = snncc.finetune(
            DIGITS / "mnist_cnn.onnx", learn["x"][:64], learn["y"][:64], epochs=1, batch=32, seed=seed
        )
        states.append(made.state_dict())
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())
    assert not all(torch.equal(tensor, states[2][name]) for name, tensor in states[0].items())


def test_widths_and_levels_are_those_asked_for(digits: dict[str, dict[str, np.ndarray]]) -> None:
    learn = digits["calibration"]
    graph = snncc.import_model(DIGITS / "mnist_cnn.onnx")
    first, second = (node.name for node in graph.nodes if node.op.name == "relu")
    made = snncc.finetune(
        graph, learn["x"][:32], bits=f"2,{second}=3", weight_bits={"": 3, first: 4}, outer_weight_bits=6, epochs=1
    )
    sums: list[Any] = [part for part in made.modules() if type(part).__name__ == "QuantizedSum"]
    most = [int((part.weight.flatten(1) / part.scale[:, None]).abs().max().round()) for part in sums]
    assert [m.bit_length() + 1 for m in most] == [4, 3, 6]
    levels = levels_of(made, digits["test"]["x"])
    assert [int(values.max()) for values in levels[1:]] == [3, 7]


def test_without_labels_the_float_network_is_the_teacher(digits: dict[str, dict[str, np.ndarray]]) -> None:
    learn, test = digits["calibration"], digits["test"]
    model = DIGITS / "mnist_cnn.onnx"
    before = snncc.compile(model, learn["x"], bits=1, weight_bits=WIDTHS)
    made = snncc.finetune(model, learn["x"], bits=1, weight_bits=2, epochs=8)
    assert accuracy(snncc.compile(made, learn["x"]), test) > accuracy(before, test)


def test_outputs_that_are_values_are_fitted(digits: dict[str, dict[str, np.ndarray]]) -> None:
    images = digits["calibration"]["x"][:128, :, 4:24:4, 4:24:4]
    flat = images.reshape(len(images), -1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(nn.Flatten(), nn.Linear(25, 12), nn.ReLU(), nn.Linear(12, 25))
    losses = list[float]()
    made = snncc.finetune(
        module, images, flat, epochs=20, rate=0.02, distill=0, progress=lambda *told: losses.append(told[2])
    )
    assert losses[-1] < losses[0] / 2
    assert snncc.verify(snncc.compile(made, images), images[:5], flat[:5], limit=2).exact


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ({"epochs": 0, "rate": float("nan"), "distill": 2}, ["SNN531"] * 3),
        ({"rate": 0, "batch": 0, "seed": -1, "outer_weight_bits": 9}, ["SNN531"] * 4),
        ({"bits": 8}, ["SNN531"]),
        ({"bits": 0, "weight_bits": 1, "epochs": 1.5}, ["SNN503", "SNN504", "SNN531"]),
        ({"bits": "2,nowhere=3", "weight_bits": "3,nobody=4"}, ["SNN513", "SNN513"]),
    ],
)
def test_bad_options_are_told_together(
    options: Any, codes: list[str], digits: dict[str, dict[str, np.ndarray]]
) -> None:
    with pytest.raises(snncc.SnnccError) as caught:
        snncc.finetune(DIGITS / "mnist_cnn.onnx", digits["calibration"]["x"][:8], **options)
    assert sorted(d.code for d in caught.value.diagnostics) == sorted(codes)
    assert caught.value.exit_code == 2


def test_what_cannot_be_trained_is_told_with_its_place() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Sigmoid(), nn.Linear(4, 4), nn.SiLU(), nn.Linear(4, 2))
    with pytest.raises(snncc.SnnccError) as caught:
        snncc.finetune(module, np.eye(4, dtype=np.float32))
    assert [d.code for d in caught.value.diagnostics] == ["SNN532", "SNN532"]
    assert [d.loc.module for d in caught.value.diagnostics] == ["1", "3"]


def test_a_quantized_network_is_not_trained_again(digits: dict[str, dict[str, np.ndarray]]) -> None:
    images = digits["calibration"]["x"][:8]
    made = snncc.finetune(DIGITS / "mnist_cnn.onnx", images, epochs=1)
    with pytest.raises(snncc.SnnccError, match="SNN532"):
        snncc.finetune(made, images)


def test_a_run_that_diverges_is_told() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    wanted = np.full((4, 2), 3e38, dtype=np.float32) * np.array([1, -1], np.float32)
    with pytest.raises(snncc.SnnccError, match="SNN533"):
        snncc.finetune(module, np.eye(4, dtype=np.float32), wanted, epochs=2, distill=0)


def test_without_torch_it_is_imported_and_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from snncc.finetuning import finetune as home

    source = Path(home.__file__).read_text(encoding="utf-8")
    assert "\nimport torch" not in source
    monkeypatch.setattr(home, "find_spec", lambda name: None)
    with pytest.raises(snncc.SnnccError, match="SNN530"):
        home.finetune(DIGITS / "mnist_cnn.onnx", np.zeros((1, 1, 28, 28), np.float32))
    assert "snncc.finetuning.finetune" in sys.modules
