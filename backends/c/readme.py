"""Write the artifact's README.md: numbers only, for names stand in manifest.json."""

from __future__ import annotations

from collections.abc import Iterator

from snncc.backends.c.emit_header import output_sizes
from snncc.backends.c.emit_net import template
from snncc.backends.c.plan import Plan
from snncc.compiler.placement.slices import HOST
from snncc.compiler.program import Program, TensorInput

SAMPLES = """\
    ./snncc_net < levels.txt > results.txt

reads samples as integers between blanks or line ends, @levels@ each: the tensor inputs in order, one sample after the
other. It feeds them back to back, one every @interval@, and prints one line of @values@ a sample: the outputs in order.
With `--binary` all numbers are 8 bytes, little-endian, signed.

@stream@ Every line is flushed, so that it can be read through a pipe at once; binary results are not."""
NO_SAMPLES = "The network takes events, so there is no plain mode for samples."
LATER = """\
Several samples are under way at once: the line of a sample is printed when @ahead@ been read, or the input
has ended."""
AT_ONCE = "The line of a sample is printed before the next sample is read."
FREE = " The network runs freely:\nthere are no samples."
MIXED = """ Sample k of a tensor
input arrives in step @turn@, as values other than 0, and output o can be read with `snncc_output` where
`snncc_output_ready` says so: after step @turn@. `first` stands in the table above."""


def emit_readme(plan: Plan) -> str:
    """Return the text of README.md."""
    program = plan.program
    fed = [i for i in program.inputs if isinstance(i, TensorInput)]
    by_sample = fed and len(fed) == len(program.inputs)
    sizes = {p.name: p.size for p in program.populations}
    ahead = _read_ahead(program)
    facts = {
        "usage": SAMPLES if by_sample else NO_SAMPLES,
        "embed": template(f"embed_{'samples' if by_sample else 'events'}.md").strip("\n"),
        "stream": LATER if ahead else AT_ONCE,
        "ahead": "the next one has" if ahead == 1 else f"{ahead} more have",
        "mixed": MIXED if program.interval else FREE,
        "ends": "\n".join(_ends(program)),
        "levels": _count(sum(sizes[i.population] for i in fed), "level"),
        "values": _count(sum(output_sizes(program)), "integer"),
        "interval": "step" if program.interval == 1 else f"{program.interval} steps",
        "turn": "first + k" if program.interval == 1 else f"first + k * {program.interval}",
        "latency": program.latency,
        "flash": plan.flash_bytes,
        "ram": plan.ram_bytes,
        "neurons": sum(sizes.values()),
        "placed": _placed(program),
    }
    text = template("README.md")
    for name, fact in facts.items():
        text = text.replace(f"@{name}@", str(fact))
    return text


def _placed(program: Program) -> str:
    """Return which cores the program is placed on, in a sentence; the code is the same wherever it is placed."""
    if not program.slices:
        return "The program is\nnot placed on cores of a chip."
    cores = sorted({part.core for part in program.slices if part.core != HOST})
    spread = f"on {_count(len(cores), 'core')}, {cores[0]} to {cores[-1]}" if cores else "on the host alone"
    return f"The program is\nplaced {spread}; `placement` names the one of every neuron."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _read_ahead(program: Program) -> int:
    """Return how many samples more the host has read by the time that the last output of a sample is there."""
    starts = [program.population[i.population].start for i in program.inputs if isinstance(i, TensorInput)]
    return max(program.latency - min(starts, default=0), 0) // (program.interval or 1)


def _ends(program: Program) -> Iterator[str]:
    number = {p.name: k for k, p in enumerate(program.populations)}
    yield "| end | kind | population | elements | first step | levels |"
    yield "|---|---|---|---|---|---|"
    for k, source in enumerate(program.inputs):
        tensor = isinstance(source, TensorInput)
        population = program.population[source.population]
        start = population.start if tensor else "any"
        levels = f"{source.lo}..{source.hi}" if isinstance(source, TensorInput) else "32 bits"
        kind = "tensor" if tensor else "events"
        yield f"| input {k} | {kind} | {number[source.population]} | {population.size} | {start} | {levels} |"
    for k, (output, size) in enumerate(zip(program.outputs, output_sizes(program), strict=True)):
        population = program.population[output.population]
        yield f"| output {k} | membrane | {number[output.population]} | {size} | {population.start} | - |"
