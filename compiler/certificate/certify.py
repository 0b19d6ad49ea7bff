"""The certificate of a compiled program: that it reproduces its integer network on every input, and why.

For every population, the law of its neurons is proved for all charges that can reach it, ranges are bounded for every
register, arrival and instruction, windows are checked to be aligned and disjoint and values to be representable.
Induction along the data flow does the rest; docs/certificate.md has it in full.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from snncc.compiler.bounds import payload_bounds
from snncc.compiler.certificate.facts import Facts
from snncc.compiler.certificate.firing import Firing
from snncc.compiler.certificate.laws import Member, member, prove
from snncc.compiler.certificate.pools import pool_of, prove_pool
from snncc.compiler.certificate.ranges import hearing
from snncc.compiler.certificate.receive import Refuted
from snncc.compiler.certificate.trains import Bounds, broken_law
from snncc.compiler.certificate.windows import schedule_problems, weight_problems
from snncc.compiler.coding import CODINGS, Levels
from snncc.compiler.diagnostics import Diagnostic, InternalError, SnnccError
from snncc.compiler.ir.graph import Graph
from snncc.compiler.program import Claim, Population, Program
from snncc.compiler.quantize.ranges import payload_digits
from snncc.compiler.targets import Target

VERSION = 1


def certify(program: Program, network: Graph, target: Target) -> dict[str, Any]:
    """Return the certificate of a program, as JSON has it but for the hashes of the file's members.

    Args:
        program: a program whose populations all claim something.
        network: the integer network it is to reproduce.
        target: gives the widths.

    Raises:
        InternalError: a law, a window or a weight is not what it must be: a mistake of the compiler.
        SnnccError: SNN201 and SNN202, every range that does not fit the target.
    """
    if silent := [p.name for p in program.populations if p.claim is None]:
        raise InternalError(f"population {silent[0]} claims nothing that could be proved")
    wrong = [*schedule_problems(program, target), *weight_problems(program, target), *_coding_problems(program)]
    if wrong:
        raise InternalError("the program cannot be certified: " + "; ".join(wrong))
    facts = _facts(program, network)
    problems = [p for population in program.populations for p in _misfits(population, facts[population.name], target)]
    if problems:
        raise SnnccError(problems)
    return {
        "version": VERSION,
        "schedule": {"interval": program.interval, "latency": program.latency, "longest_window": program.max_window},
        "populations": {p.name: _entry(p, _claim(p), facts[p.name]) for p in program.populations},
    }


def _claim(population: Population) -> Claim:
    assert population.claim is not None
    return population.claim


def _coding_problems(program: Program) -> Iterator[str]:
    """Yield a sentence for every coding whose closed form breaks its own law on levels that are used."""
    used = {(c.coding, c.lo, c.hi) for c in map(_claim, program.populations) if c.kind != "read"}
    for name, lo, hi in sorted(used):
        if why := broken_law(CODINGS[name], Levels(lo, hi)):
            yield f"coding {name} with levels {lo}..{hi}: {why}"


def _facts(program: Program, network: Graph) -> dict[str, Facts]:
    """Return what is known of every population; those with equal firing halves are proved together."""
    found: dict[str, Facts] = {}
    together: dict[Firing, list[Member]] = {}
    pools: dict[object, Facts] = {}
    for population in program.populations:
        claim = _claim(population)
        try:
            if claim.kind == "pool":
                pool = pool_of(program, population, claim)
                if pool.key not in pools:
                    pools[pool.key] = prove_pool(pool, program.interval)
                found[population.name] = pools[pool.key]
            else:
                item = member(population, claim, network, hearing(program, population))
                together.setdefault(item.firing, []).append(item)
        except Refuted as why:
            raise _refused(population, why) from why
    for members in together.values():
        try:
            proved = list(prove(members, program.interval))
        except Refuted as why:
            raise _refused(members[0].population, why) from why
        found |= {item.population.name: facts for item, facts in zip(members, proved, strict=True)}
    return found


def _refused(population: Population, why: Refuted) -> InternalError:
    return InternalError(f"the neurons of population {population.name} do not obey their law: {why}")


def _entry(population: Population, claim: Claim, facts: Facts) -> dict[str, Any]:
    return {
        "law": claim.kind,
        "coding": claim.coding,
        "levels": [claim.lo, claim.hi],
        "start": population.start,
        "window": population.window,
        "charge": list(facts.charge),
        "arrivals": {port: list(bounds) for port, bounds in facts.arrivals.items()},
        "registers": {name: list(bounds) for name, bounds in facts.registers.items()},
        "instructions": [list(bounds) for bounds in facts.instructions],
        "proof": {"method": facts.method, "rows": facts.rows, "classes": facts.classes},
    }


def _misfits(population: Population, facts: Facts, target: Target) -> Iterator[Diagnostic]:
    """Yield SNN201 or SNN202 for every value that does not fit, each once."""
    widths = {s.name: s.bits for s in population.neuron.states}
    for name, bounds in facts.registers.items():
        yield from _misfit(population, f"register {name}", bounds, min(widths[name], target.state_bits))
    for port, bounds in facts.arrivals.items():
        yield from _misfit(population, f"what arrives at port {port}", bounds, target.accumulator_bits)
    payload = payload_bounds(population)
    for line, bounds in zip(population.neuron.code, facts.instructions, strict=True):
        width = min(widths.get(line.target, target.state_bits), target.state_bits)
        yield from _misfit(population, f"'{line}'", bounds, width)
        if line.op == "emit" and not payload[0] <= bounds[0] <= bounds[1] <= payload[1]:
            raise InternalError(f"population {population.name} may send {bounds}, beyond its payloads {payload}")
        digits = payload_digits(target, population.signed)
        if line.op == "emit" and target.graded and max(-bounds[0], bounds[1]) >= 1 << digits:
            message = f"payloads {bounds[0]}..{bounds[1]} of '{population.name}' do not fit {target.payload_bits} bits"
            yield Diagnostic("SNN202", message, population.loc, "use fewer levels (--bits or --levels)")


def _misfit(population: Population, what: str, bounds: Bounds, bits: int) -> Iterator[Diagnostic]:
    half = 1 << (bits - 1)
    if bounds[0] < -half or bounds[1] >= half:
        message = f"{what} of '{population.name}' can reach {bounds[0]}..{bounds[1]}, beyond {bits} bits"
        hint = "use fewer levels (--bits or --levels), fewer weight bits, or a smaller fan-in"
        yield Diagnostic("SNN201", message, population.loc, hint)
