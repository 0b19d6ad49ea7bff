"""Write snncc_net.h: the struct that holds the state, and the numbers that a host needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod

from snncc.backends.c.arrays import literal
from snncc.backends.c.emit_net import template
from snncc.backends.c.plan import Plan
from snncc.compiler.program import Program, TensorInput


def emit_header(plan: Plan) -> str:
    """Return the text of snncc_net.h."""
    fields = "\n".join(f"    {field.declare()}" for field in plan.fields)
    return template("snncc_net.h").replace("@defines@", "\n".join(_defines(plan))).replace("@fields@", fields)


def _defines(plan: Plan) -> Iterator[str]:
    program = plan.program
    numbers = {p.name: k for k, p in enumerate(program.populations)}
    sizes = [p.size for p in program.populations]
    yield f"#define SNNCC_INTERVAL {program.interval} /* steps from a sample to the next, 0: free-running */"
    yield f"#define SNNCC_LATENCY {literal(program.latency)} /* step in which sample 0 is read from the last output */"
    yield f"#define SNNCC_POPULATIONS {len(sizes)}"
    yield f"#define SNNCC_POPULATION_SIZES {_list(sizes)}"
    yield f"#define SNNCC_LARGEST_POPULATION {max(sizes)}"
    yield f"#define SNNCC_NEURONS {sum(sizes)} /* of all populations */"
    yield "/* Bytes that hold a membrane of each population */"
    yield f"#define SNNCC_MEMBRANE_BYTES {_list(4 if p.membrane.type != 'int64_t' else 8 for p in plan.populations)}"
    fed = [numbers[i.population] for i in program.inputs]
    yield f"#define SNNCC_INPUTS {len(fed)}"
    yield f"#define SNNCC_INPUT_POPULATIONS {_list(fed)}"
    yield "/* First step in which a sample arrives; -1 for event inputs */"
    first = [program.population[i.population].start if isinstance(i, TensorInput) else -1 for i in program.inputs]
    yield f"#define SNNCC_INPUT_STARTS {_list(first)}"
    ranges = [(i.lo, i.hi) if isinstance(i, TensorInput) else (-(1 << 31), (1 << 31) - 1) for i in program.inputs]
    yield f"#define SNNCC_INPUT_LEAST {_list(low for low, _ in ranges)}"
    yield f"#define SNNCC_INPUT_MOST {_list(high for _, high in ranges)}"
    read = [numbers[o.population] for o in program.outputs]
    yield f"#define SNNCC_OUTPUTS {len(read)}"
    yield f"#define SNNCC_OUTPUT_POPULATIONS {_list(read)}"
    yield f"#define SNNCC_OUTPUT_SIZES {_list(output_sizes(program))}"
    yield f"#define SNNCC_OUTPUT_STARTS {_list(program.populations[n].start for n in read)}"
    yield f"#define SNNCC_ARRAYS {len(list(plan.arrays))}"
    yield from _host(program)


def _host(program: Program) -> Iterator[str]:
    """Yield how many samples the program main.c buffers."""
    levels, ahead, values, behind = host_buffers(program)
    by_sample = bool(levels) and not any(not isinstance(i, TensorInput) for i in program.inputs)
    yield f"#define SNNCC_BY_SAMPLE {int(by_sample)} /* whether samples are all it takes */"
    yield "/* Of the host in main.c: levels of a sample, samples under way, values of a result, results under way */"
    yield f"#define SNNCC_SAMPLE_LEVELS {levels}"
    yield f"#define SNNCC_SAMPLES_AHEAD {ahead}"
    yield f"#define SNNCC_RESULT_VALUES {values}"
    yield f"#define SNNCC_RESULTS_AHEAD {behind}"


def output_sizes(program: Program) -> list[int]:
    """Return how many elements each output has."""
    return [prod(program.output_shape(output)) for output in program.outputs]


def host_buffers(program: Program) -> tuple[int, int, int, int]:
    """Return the levels of a sample, how many samples are needed at once, the values of a result, and how many."""
    populations = program.population
    tensors = [populations[i.population] for i in program.inputs if isinstance(i, TensorInput)]
    starts, ends = [p.start for p in tensors], [populations[o.population].start for o in program.outputs]
    interval = program.interval or 1
    ahead = (max(starts, default=0) - min([*starts, *ends], default=0)) // interval + 2
    behind = (max(ends, default=0) - min(ends, default=0)) // interval + 1
    return sum(p.size for p in tensors), max(ahead, 2), sum(output_sizes(program)), behind


def _list(values: Iterable[int]) -> str:
    """Return an initializer; C has no empty one, so hosts declare every table one element longer than it is."""
    return "{" + (", ".join(map(literal, values)) or "0") + "}"
