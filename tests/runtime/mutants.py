"""Programs with a single fault, sealed again: hashes and ranges in the certificate fit, only meaning betrays them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

import tests.runtime.faults
import tests.runtime.neuron_faults  # noqa: F401  both enter their faults into FAULTS
from tests.runtime.sealed import FAULTS, Random, Sealed

PARTS = ("neurons", "synapses", "neurons", "parameters", "neurons", "rest")  # half of all mutants are neurons
ATTEMPTS = 30  # faults tried until one can be made


@dataclass(frozen=True)
class Mutant:
    """A file with one fault.

    Attributes:
        kind: key of FAULTS.
        what: the fault in words.
        data: bytes of the .snnp file.
    """

    kind: str
    what: str
    data: bytes


def mutants(data: bytes, count: int, seed: int) -> Iterator[Mutant]:
    """Yield different mutants of a program: half of them in neuron programs, the kinds taking turns."""
    random = np.random.default_rng(seed)
    turns = {part: _turns([kind for kind, (where, _) in FAULTS.items() if where == part], random) for part in PARTS}
    seen: set[bytes] = {Sealed(data).data()}
    for number in range(count):
        made = _mutant(data, turns[PARTS[number % len(PARTS)]], random, seen)
        if made is not None:
            yield made


def _mutant(data: bytes, kinds: Iterator[str], random: Random, seen: set[bytes]) -> Mutant | None:
    for _ in range(ATTEMPTS):
        kind, sealed = next(kinds), Sealed(data)
        what = FAULTS[kind][1](sealed, random)
        made = b"" if what is None else sealed.data()
        if what is not None and made not in seen:
            seen.add(made)
            return Mutant(kind, what, made)
    return None


def _turns(kinds: list[str], random: Random) -> Iterator[str]:
    while True:
        yield from random.permutation(kinds).tolist()
