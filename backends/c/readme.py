"""Write the artifact's README.md: numbers only, for names stand in manifest.json."""

from __future__ import annotations

from collections.abc import Iterator

from snncc.backends.c.emit_net import template
from snncc.backends.c.plan import Plan
from snncc.compiler.program import Program, TensorInput

SAMPLES = """\
    ./snncc_net < levels.txt > results.txt

reads samples as integers between blanks or line ends, @levels@ levels each: the tensor inputs in order, one sample
after the other. It feeds them back to back, one every @interval@ steps, and prints one line of @values@ integers a
sample: the outputs in order. With `--binary` all numbers are 8 bytes, little-endian, signed."""
EVENTS = "The network takes events, so there is no plain mode for samples."


def emit_readme(plan: Plan) -> str:
    """Return the text of README.md."""
    program = plan.program
    fed = [i for i in program.inputs if isinstance(i, TensorInput)]
    by_sample = fed and len(fed) == len(program.inputs)
    sizes = {p.name: p.size for p in program.populations}
    facts = {
        "usage": SAMPLES if by_sample else EVENTS,
        "ends": "\n".join(_ends(program)),
        "levels": sum(sizes[i.population] for i in fed),
        "values": sum(sizes[o.population] for o in program.outputs),
        "interval": program.interval,
        "latency": program.latency,
        "flash": plan.flash_bytes,
        "ram": plan.ram_bytes,
        "neurons": sum(sizes.values()),
    }
    text = template("README.md")
    for name, fact in facts.items():
        text = text.replace(f"@{name}@", str(fact))
    return text


def _ends(program: Program) -> Iterator[str]:
    number = {p.name: k for k, p in enumerate(program.populations)}
    yield "| end | kind | population | neurons | first step | levels |"
    yield "|---|---|---|---|---|---|"
    for k, source in enumerate(program.inputs):
        tensor = isinstance(source, TensorInput)
        population = program.population[source.population]
        start = population.start if tensor else "any"
        levels = f"{source.lo}..{source.hi}" if isinstance(source, TensorInput) else "32 bits"
        kind = "tensor" if tensor else "events"
        yield f"| input {k} | {kind} | {number[source.population]} | {population.size} | {start} | {levels} |"
    for k, output in enumerate(program.outputs):
        population = program.population[output.population]
        yield f"| output {k} | membrane | {number[output.population]} | {population.size} | {population.start} | - |"
