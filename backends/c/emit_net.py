"""Write snncc_net.c: constants, one step function a population, one delivery a connection, and the step of all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

from snncc.backends.c import emit_neuron, emit_synapses
from snncc.backends.c.api import emit_api
from snncc.backends.c.plan import Plan, wraps

NEEDS = {f"{op}{bits}": {f"signed{bits}"} for op in ("add", "sub", "mul", "shl") for bits in (32, 64)}
HEAD = """\
/* The network: constants, neurons and synapses. Emitted by snncc; snncc_net.h says how it is used. */
#include "snncc_net.h"

#include <string.h>
"""


def template(name: str) -> str:
    """Return the text of a template."""
    return files("snncc.backends.c").joinpath("templates").joinpath(name).read_text(encoding="utf-8")


def emit_net(plan: Plan) -> str:
    """Return the text of snncc_net.c."""
    parts = [
        HEAD,
        *(array.define() for array in plan.arrays),
        *_helpers(plan),
        *(emit_neuron.emit_step(p) for p in plan.populations if emit_neuron.runs(p)),
        *(emit_synapses.emit_deliver(c) for c in plan.connections),
        _step(plan),
        emit_api(plan),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _helpers(plan: Plan) -> Iterator[str]:
    """Yield the helper functions that are used; compilers warn of others."""
    used = set().union(
        *(emit_neuron.helpers_of(p) for p in plan.populations), *(emit_synapses.helpers_of(c) for c in plan.connections)
    )
    if any(wraps(plan.end(source)[1]) for source in plan.program.inputs):
        used.add("add64")
    used |= set().union(*(NEEDS.get(name, set()) for name in used))
    for block in re.split(r"\n\n(?=/\*|static)", template("helpers.c")):
        found = re.search(r"(\w+)\(", block[block.index("static inline") :])
        if found and found[1] in used:
            yield block


def _step(plan: Plan) -> str:
    """Return the step of the network: every population runs, then every spike is delivered."""
    lines = [
        "int32_t snncc_step(snncc_net *net)",
        "{",
        "    if (net->failed) {",
        "        return net->failed;",
        "    }",
    ]
    for number, population in enumerate(plan.populations, 1):
        if not emit_neuron.runs(population):
            continue
        lines += [f"    if (step_{population.name}(net)) {{", f"        return net->failed = {number};", "    }"]
    lines += [f"    deliver_{connection.name}(net);" for connection in plan.connections]
    return "\n".join([*lines, "    net->now++;", "    return 0;", "}"])
