"""Tune a network: prepare, search, then compile, verify and test the chosen point alone."""

from __future__ import annotations

import time
from dataclasses import replace
from importlib.metadata import version

import numpy as np

from snncc.compiler import verbatim
from snncc.compiler.diagnostics import Diagnostic, InternalError, Loc, SnnccError, fail
from snncc.compiler.ir.graph import Graph
from snncc.compiler.ir.text import print_graph
from snncc.compiler.mapping.choice import sendable
from snncc.compiler.options import make_options
from snncc.compiler.passes.base import run_passes
from snncc.compiler.pipeline import compile_graph, float_passes
from snncc.compiler.program import Program
from snncc.compiler.quantize.calibrate import run
from snncc.compiler.quantize.recipe import Recipe
from snncc.compiler.targets import Target, load_target
from snncc.runtime.collapsed import Collapsed
from snncc.runtime.diagnosis.scoring import Loss, Scorer
from snncc.runtime.tuning.crew import cores, hired
from snncc.runtime.tuning.front import Trial, allowed, pareto_front, price
from snncc.runtime.tuning.laboratory import Laboratory, Problem, output_scale
from snncc.runtime.tuning.notes import limits, not_kept, not_met, overlaps
from snncc.runtime.tuning.outcome import Outcome
from snncc.runtime.tuning.point import layer_names, shares_of_zeros, uniform
from snncc.runtime.tuning.samples import Samples, digest
from snncc.runtime.tuning.search import search
from snncc.runtime.tuning.study import opened
from snncc.runtime.tuning.told import Progress, Told
from snncc.runtime.tuning.trials import Trials
from snncc.runtime.tuning.tuned import Effort, Tuned
from snncc.runtime.tuning.wish import Wish, check_wish
from snncc.runtime.verify import verify

VERIFIED = 20  # tuning samples that the emulator steps through the chosen program


def tune(
    graph: Graph,
    calibration: Samples,
    data: Samples,
    wish: Wish,
    test: Samples | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Tuned:
    """Return the cheapest program found whose network loses no more than allowed on the tuning data.

    Args:
        graph: an IMPORTED graph.
        calibration: what ranges and weights are found on.
        data: tuning data, on which points are compared.
        wish: what is asked for.
        test: measured once, at the end, on the chosen program.
        progress: called with what is being done, how much is done and the whole.

    Raises:
        SnnccError: SNN404 the float network gives no numbers; SNN520 an unknown objective; see ``study.opened``; or
            what the options' names and ranges, and the passes to the CANONICAL graph, find.
    """
    begun = time.monotonic()
    check_wish(wish)
    if verbatim.is_verbatim(graph):
        message = f"network '{graph.name}' is quantized already: its levels and weights are taken as they are"
        hint = "compile it, with --coding auto for the cheapest codings; or tune the float network"
        raise fail("SNN528", message, Loc("model", graph.name), hint)
    problem = _problem(graph, calibration, data, wish)
    layers, shares = layer_names(problem.graph), shares_of_zeros(problem.graph)
    jobs = wish.jobs or cores()
    with opened(wish.study, layers, _header(problem, wish)) as study, hired(problem, jobs) as crew:
        told = Told(progress, wish)
        trials = Trials(study, crew, wish.goal, wish.budget, told.trial)
        complete = search(trials, shares, wish.seed, told.stage)
    refused = sum(outcome.cost is None for outcome in trials.known.values())
    effort = Effort(len(trials.known), trials.resumed, refused, complete, 0.0, jobs, wish.seed)
    progress("compiling the chosen point", 0, 0)
    chosen, program = _compiled(graph, calibration, problem, trials)
    baseline = _baseline(problem, trials, layers)
    tested = None if program is None or test is None else _loss(program, problem, test)
    exact = None if program is None else verify(program, data.inputs, data.labels, VERIFIED, progress).exact
    target = load_target(wish.target)
    return Tuned(
        wish.goal,
        Scorer(problem.real[:1], None if data.labels is None else data.labels[:1]).measure,
        tuple(pareto_front(trials.known.items(), wish.goal.minimize)),
        chosen,
        baseline,
        trials.closest,
        program,
        exact,
        tested,
        energy_model(target),
        replace(effort, seconds=time.monotonic() - begun),
        (
            *([] if chosen else [not_met(trials)]),
            *not_kept(tested, wish.goal),
            *overlaps(calibration, data, test),
            *limits(wish.goal.minimize, baseline, target),
        ),
    )


def energy_model(target: Target) -> str:
    """Return the cost table in words, with its source."""
    cost = target.cost
    return (
        f"modelled: {cost['synaptic_event_pj']:g} pJ a synaptic event, {cost['update_pj']:g} pJ a neuron update; the "
        f"file of target {target.name} names the source"
    )


def _problem(graph: Graph, calibration: Samples, data: Samples, wish: Wish) -> Problem:
    target = load_target(wish.target)
    passes = float_passes(make_options(wish.target), dict(calibration.inputs))[:-1]
    floats = run_passes(graph, passes)
    real = run(floats, data.inputs)[floats.outputs[0]]
    bad = int((~np.isfinite(real).reshape(len(real), -1).all(axis=1)).sum())
    if bad:
        message = (
            f"output '{floats.outputs[0]}' of the float network is NaN or infinite in {bad} of {len(real)} samples"
        )
        raise SnnccError([Diagnostic("SNN404", message, graph.node[graph.outputs[0]].loc)])
    return Problem(
        floats,
        calibration.inputs,
        data.inputs,
        data.labels,
        real,
        wish.target,
        wish.codings or _codings(target),
        wish.goal.minimize,
    )


def _codings(target: Target) -> tuple[str, ...]:
    """Return the codings that a target can send, its own first."""
    return tuple(dict.fromkeys([target.coding, *sendable(target)]))


def _header(problem: Problem, wish: Wish) -> dict[str, object]:
    """Return what a study is of: all on which an outcome depends."""
    return {
        "model": digest({"text": np.frombuffer(print_graph(problem.graph).encode(), dtype=np.uint8)}),
        "calibration data": digest(problem.calibration),
        "tuning data": digest({**{f"x.{k}": v for k, v in problem.inputs.items()}, "y": problem.labels}),
        "target": _told(wish.target),
        "choice of codings": list(problem.codings),
        "objective": wish.goal.minimize,
        "snncc version": version("snncc"),
    }


def _told(name: str) -> str:
    """Return a target as a study's header has it: its name, or a digest of what the file of a path says."""
    target = load_target(name)
    if not target.file:
        return target.name
    return digest({"target": np.frombuffer(repr(replace(target, file="")).encode(), dtype=np.uint8)})


def _compiled(
    graph: Graph, calibration: Samples, problem: Problem, trials: Trials
) -> tuple[Trial | None, Program | None]:
    """Return the best trial that, compiled, is as good as it was measured to be, and its program."""
    goal = trials.goal
    good = [trial for trial in trials.known.items() if allowed(trial[1], goal.max_loss, goal.sure)]
    for point, outcome in sorted(good, key=lambda trial: (*price(trial[1], goal.minimize), trial[1].loss)):
        assert outcome.cost is not None
        options = point.options(problem.target, outcome.cost.coding)
        program = compile_graph(graph, dict(calibration.inputs), options)
        loss = _loss(program, problem, Samples(problem.inputs, problem.labels))
        again = replace(outcome, loss=loss.value, low=loss.low, high=loss.high)
        _check_schedule(program, outcome)
        if allowed(again, goal.max_loss, goal.sure):  # a study from another machine may have rounded otherwise
            return (point, again), program
    return None, None


def _check_schedule(program: Program, outcome: Outcome) -> None:
    assert outcome.cost is not None
    measured = outcome.cost.latency_steps, outcome.cost.initiation_interval
    if (program.latency, program.interval) != measured:
        raise InternalError(f"the program takes {program.latency}, {program.interval} steps, the trial {measured}")


def _loss(program: Program, problem: Problem, samples: Samples) -> Loss:
    """Return what a program's network loses against the float network on samples."""
    assert program.origin is not None
    network = program.origin.network
    real = run(problem.graph, samples.inputs)[problem.graph.outputs[0]]
    shown = Collapsed(network).run(samples.inputs)[network.outputs[0]]
    return Scorer(real, samples.labels).loss(shown * output_scale(network))


def _baseline(problem: Problem, trials: Trials, layers: tuple[str, ...]) -> Outcome:
    """Return what default options lose and cost, in the first of the codings, which is the target's own."""
    default = uniform(layers, Recipe())
    outcome = trials.known.get(default)
    if outcome is not None and outcome.cost is not None and outcome.cost.coding == problem.codings[0]:
        return outcome
    return Laboratory(replace(problem, codings=problem.codings[:1])).measure(default)
