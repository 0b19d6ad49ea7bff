"""What is known of a population when its law has been proved; the certificate is made of these."""

from __future__ import annotations

from dataclasses import dataclass

from snncc.compiler.certificate.trains import Bounds


@dataclass(frozen=True)
class Facts:
    """What a certificate says of one population.

    Attributes:
        charge: bounds of what it latches, over all neurons.
        arrivals: bounds of what arrives in one step, by in-port.
        registers: bounds of each state after any step.
        instructions: bounds of the result of each line of its program.
        method: ``classes`` or ``exhaustive``.
        rows: distinct rows of parameters.
        classes: intervals of the charge, or inputs of a max-pool, that were tried.
    """

    charge: Bounds
    arrivals: dict[str, Bounds]
    registers: dict[str, Bounds]
    instructions: list[Bounds]
    method: str
    rows: int
    classes: int
