"""From a float network to one that was trained to live with few levels: import, plan, train, freeze."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from snncc.compiler.data import check_data, class_indices, split_labels
from snncc.compiler.diagnostics import SnnccError, fail
from snncc.compiler.frontend.door import import_model
from snncc.compiler.ir import Graph
from snncc.compiler.ir.graph import Array
from snncc.compiler.passes.base import run_passes
from snncc.compiler.per_layer import unknown_layers
from snncc.compiler.pipeline import float_passes
from snncc.compiler.quantize.calibrate import run
from snncc.compiler.quantize.verbatim import is_verbatim
from snncc.finetuning.plan import Plan, make_plan
from snncc.finetuning.settings import OUTER_BITS, Settings, make_settings

if TYPE_CHECKING:
    from torch import nn

Floats = npt.ArrayLike | Mapping[str, npt.ArrayLike]
PerLayer = int | str | Mapping[str, int]
SAMPLES = 256  # on which channels are equalized and scales begin


def finetune(
    model: Any,
    x: Floats,
    y: npt.ArrayLike | None = None,
    bits: PerLayer = 2,
    weight_bits: PerLayer = 8,
    outer_weight_bits: int = OUTER_BITS,
    epochs: int = 10,
    rate: float = 0.001,
    batch: int = 64,
    distill: float = 0.9,
    seed: int = 0,
    progress: Callable[[int, int, float], None] = lambda epoch, epochs, loss: None,
) -> nn.Module:
    """Train a float network to live with few levels and narrow weights; needs torch.

    The model is read, not changed; batch norms are folded. What is given back holds its integer weights, scales and
    levels in QuantizeLinear form, and ``snncc.compile`` takes them as they are: the integer network of the program is
    the network that was trained.

    Args:
        model: a ``torch.nn.Module``, or whatever else ``snncc.import_model`` takes: a path, bytes, a Graph.
        x: training inputs, float32 [samples, *shape]; a mapping by input name where there are several.
        y: class indices [samples], or target values of the first output's shape; without labels the float network's
            outputs are the only targets.
        bits: activations take 2^bits levels, 1..7; per layer as in ``snncc.compile``.
        weight_bits: width of a weight, sign included, 2..8; per layer likewise.
        outer_weight_bits: the least width of weights that read an input or make an output, and of weights that copy a
            value, as skip connections have.
        epochs: passes over the data.
        rate: highest learning rate; it falls to 0 along a cosine.
        batch: samples a step.
        distill: share of the loss that asks for the float network's outputs, 0..1; the rest asks for the labels.
        seed: of the order of the samples. Equal seeds give equal modules on one machine with one number of threads.
        progress: called after each epoch with its number, the number of epochs, and the mean loss.

    Returns:
        A ``torch.nn.Module`` in evaluation mode.

    Raises:
        SnnccError: SNN530 torch is missing, SNN531 an option, SNN532 a network that cannot be trained, SNN533 a run
            that diverged; otherwise as ``snncc.compile``.
    """
    settings = make_settings(bits, weight_bits, outer_weight_bits, epochs, rate, batch, distill, seed)
    check_torch()
    arrays = {name: np.asarray(a) for name, a in x.items()} if isinstance(x, Mapping) else {"x": np.asarray(x)}
    graph = model if isinstance(model, Graph) else import_model(model, _example(arrays))
    data, labels = _checked(graph, arrays, y)
    if is_verbatim(graph):
        message = f"'{graph.name}' is quantized already: it holds quantizers or integer weights"
        raise fail("SNN532", message, hint="give the float network, or compile this one as it is")
    few = {name: array[:SAMPLES] for name, array in data.items()}
    plan = make_plan(run_passes(graph, float_passes(settings.options, few)), few, settings)
    _check_layers(plan, settings)
    return _trained(plan, data, labels, settings, progress)


def check_torch() -> None:
    """Find out whether torch is there, without importing it.

    Raises:
        SnnccError: SNN530.
    """
    if find_spec("torch") is None:
        raise fail("SNN530", "fine-tuning needs torch, which is not installed", hint="pip install 'snncc[torch]'")


def _trained(
    plan: Plan,
    data: Mapping[str, Array],
    labels: Array | None,
    settings: Settings,
    progress: Callable[[int, int, float], None],
) -> nn.Module:
    import torch

    from snncc.finetuning.frozen import freeze
    from snncc.finetuning.network import LearningNetwork
    from snncc.finetuning.training import train

    wanted = run(plan.graph, data)
    network = LearningNetwork(plan)
    inputs = {name: torch.from_numpy(array) for name, array in data.items()}
    targets = [torch.from_numpy(wanted[name]) for name in plan.graph.outputs]
    with torch.enable_grad():
        train(network, inputs, targets, None if labels is None else torch.from_numpy(labels), settings, progress)
    return freeze(network)


def _example(arrays: Mapping[str, Array]) -> Any:
    """Return one sample, batch included, for exporting a torch module."""
    one = tuple(a[:1].astype(np.float32) if a.ndim and a.dtype.kind in "fiu" else a for a in arrays.values())
    return one if len(one) > 1 else one[0]


def _checked(
    graph: Graph, arrays: Mapping[str, Array], y: npt.ArrayLike | None
) -> tuple[dict[str, Array], Array | None]:
    """Return inputs by name, and labels as int64 classes or float32 values."""
    kinds = {i.name: i.type for i in graph.inputs}
    inputs, found = split_labels(arrays, kinds)
    labels = found if y is None else np.asarray(y)
    shape = graph.types[graph.outputs[0]].shape
    data = check_data(inputs, kinds, labels, shape)
    if labels is None:
        return data, None
    if class_indices(labels, shape):
        return data, labels.astype(np.int64)
    return data, labels.astype(np.float32).reshape(-1, *shape)


def _check_layers(plan: Plan, settings: Settings) -> None:
    given = settings.options.settings
    problems = [
        *unknown_layers("bits", given["bits"].by_layer, plan.fired, "has levels of its own"),
        *unknown_layers("weight_bits", given["weight_bits"].by_layer, list(plan.layers), "has weights"),
    ]
    if problems:
        raise SnnccError(problems, 2)
