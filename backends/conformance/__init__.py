"""The conformance kit: tiny programs, each with a feed, that a backend does exactly or refuses.

A case shows one thing that a backend can get wrong. The kit holds programs and feeds; what must follow from them is
what the emulator does (``snncc.runtime.emulator.run_feed``), and for a backend that gives levels what the network does
that the program was lowered from (``snncc.runtime.reference.execute``).
"""

from snncc.backends.conformance.case import Case
from snncc.backends.conformance.dynamics import end_cases, loop_cases, threshold_cases
from snncc.backends.conformance.networks import (
    coding_cases,
    geometry_cases,
    pool_cases,
    rounding_cases,
    skip_cases,
    view_cases,
)
from snncc.backends.conformance.neurons import instruction_cases, register_cases, surrounding_cases
from snncc.backends.conformance.shapes import join_cases, ladder_cases, selection_cases
from snncc.backends.conformance.wires import delay_cases, synapse_cases

__all__ = ["Case", "cases"]

_MAKERS = (
    instruction_cases,
    register_cases,
    surrounding_cases,
    threshold_cases,
    synapse_cases,
    delay_cases,
    loop_cases,
    end_cases,
    coding_cases,
    rounding_cases,
    pool_cases,
    geometry_cases,
    view_cases,
    skip_cases,
    ladder_cases,
    join_cases,
    selection_cases,
)


def cases() -> tuple[Case, ...]:
    """Return every case, made anew; the same in every call, process and machine."""
    return tuple(case for make in _MAKERS for case in make())
