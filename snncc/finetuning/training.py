"""The training loop: labels and the float network's own outputs as targets, one warm and one cosine phase."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import cos, isfinite, pi

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from snncc.compiler.diagnostics import Loc, fail
from snncc.finetuning.network import LearningNetwork
from snncc.finetuning.settings import Settings

Progress = Callable[[int, int, float], None]
WARM = 0.1  # share of the steps in which the learning rate rises
CLIP = 1.0  # largest norm of a gradient
BETAS = (0.9, 0.99)


def train(
    network: LearningNetwork,
    inputs: Mapping[str, Tensor],
    wanted: Sequence[Tensor],
    labels: Tensor | None,
    settings: Settings,
    progress: Progress,
) -> None:
    """Train in place with Adam; deterministic for a seed and a number of threads.

    Args:
        network: what learns.
        inputs: float32 [samples, ...] by input name.
        wanted: outputs of the float network.
        labels: class indices [samples], target values of the first output's shape, or None.
        settings: length, rate, shares.
        progress: called after each epoch with its number, the number of epochs, and the mean loss.

    Raises:
        SnnccError: SNN533, the loss is no finite number.
    """
    samples = len(next(iter(inputs.values())))
    order = torch.Generator().manual_seed(settings.seed)
    steps = settings.epochs * -(-samples // settings.batch)
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], settings.rate, BETAS)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step / steps))
    for epoch in range(1, settings.epochs + 1):
        total = 0.0
        for batch in torch.split(torch.randperm(samples, generator=order), settings.batch):
            made = network({name: x[batch] for name, x in inputs.items()})
            asked = None if labels is None else labels[batch]
            loss = _loss(made, [w[batch] for w in wanted], asked, settings)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            clip_grad_norm_(network.parameters(), CLIP)
            optimizer.step()
            rate.step()
            total += float(loss.detach()) * len(batch)
        if not isfinite(total):
            hint = f"lower the rate, now {settings.rate:g}, or give more bits"
            raise fail("SNN533", f"the loss is no finite number in epoch {epoch}", Loc("options", "rate"), hint)
        progress(epoch, settings.epochs, total / samples)


def _rate(done: float) -> float:
    """Return the learning rate at a share of the run, as a share of the highest."""
    return max(done / WARM, 0.01) if done < WARM else 0.5 * (1 + cos(pi * (done - WARM) / (1 - WARM)))


def _loss(made: Sequence[Tensor], wanted: Sequence[Tensor], labels: Tensor | None, settings: Settings) -> Tensor:
    """Return the loss of a batch.

    Labels that are classes ask for them by cross entropy, and for the float network's probabilities (Hinton, Vinyals
    and Dean, 2015); otherwise, errors are squared, relative to the size of the outputs.
    """
    classes = labels is not None and not labels.is_floating_point()
    same = _divergence(made[0], wanted[0]) if classes else _squares(made[0], wanted[0])
    for mine, theirs in zip(made[1:], wanted[1:], strict=True):
        same = same + _squares(mine, theirs)
    if labels is None:
        return same
    right = functional.cross_entropy(made[0].flatten(1), labels) if classes else _squares(made[0], labels)
    return settings.distill * same + (1 - settings.distill) * right


def _divergence(mine: Tensor, theirs: Tensor) -> Tensor:
    told, asked = (functional.log_softmax(x.flatten(1), dim=1) for x in (mine, theirs))
    return functional.kl_div(told, asked, log_target=True, reduction="batchmean")


def _squares(mine: Tensor, theirs: Tensor) -> Tensor:
    return functional.mse_loss(mine, theirs) / theirs.square().mean().clamp_min(1e-12)
