"""Target files for tests: a whole one, and changes to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.targets import load_target

WHOLE = """schema = 2
description = "a chip for tests"

[arithmetic]
state_bits = { value = 20, source = "a", note = "as it is" }
accumulator_bits = { value = 18, source = "a" }
weight_bits = { value = 8, source = "a" }
payload_bits = { value = 8, source = "a" }
max_delay = { value = 7, source = "a" }

[features]
programmable = { value = true, source = "a" }
graded = { value = true, source = "a" }
signed = { value = true, source = "a" }
ports = { value = 4, source = "a" }
codings = { value = ["graded", "rate"], source = "a" }
schedules = { value = ["pipelined", "sequential"], source = "a" }

[defaults]
coding = { value = "graded", source = "a" }
schedule = { value = "pipelined", source = "a" }

[dominated]
rate = "graded"

[core]
neurons = { value = 100, source = "a" }
programs = { absent = "not public" }
thresholds = { absent = "not public" }
in_axons = { value = 64, source = "a" }
out_axons = { absent = "not public" }
synapse_words = { value = 1000, source = "a" }
fan_in = { absent = "not public" }
fan_out = { absent = "not public" }

[packing]
kind = { value = "list", source = "a" }
word_bits = { value = 32, source = "a" }
shared_kernels = { value = false, source = "a" }
kernel_bits = { value = 1, source = "a" }
list_bits = { value = 2, source = "a" }
delay_bits = { value = 3, source = "a" }
header_bits = { value = 4, source = "a" }
block_synapses = { value = 5, source = "a" }
widths = { value = [4, 8], source = "a" }

[board]
chips = { value = 6, source = "a" }
cores = { value = 12, source = "a" }
tile_cores = { value = 2, source = "a" }
columns = { value = 3, source = "a" }
chip_columns = { value = 2, source = "a" }

[host]
encoders = { value = "host", source = "a" }
events_per_second = { value = 1e6, source = "a" }

[tables.first]
description = "a table for tests"
static_watts = { value = 0.5, source = "a" }

[tables.first.energy]
synaptic_event = { value = 2, source = "a" }
update = { value = 3.5, source = "a" }
hop_x = { absent = "not stated" }

[tables.first.time]
update = { value = 4.5, source = "a" }

[tables.first.barrier]
12 = { value = 90, source = "a" }
2 = { value = 30, source = "a" }

[sources]
a = "a source for tests"
"""


def changed(*changes: tuple[str, str]) -> str:
    """Return the whole file with pieces replaced, each of which stands in it once."""
    text = WHOLE
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


def write(folder: Path, text: str, name: str = "chip.toml") -> str:
    """Write a file and return its path."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def problems(path: str, exit_code: int = 1) -> list[Diagnostic]:
    """Return what is wrong with a target."""
    with pytest.raises(SnnccError) as caught:
        load_target(path)
    assert caught.value.exit_code == exit_code
    assert all(problem.hint for problem in caught.value.diagnostics)
    return list(caught.value.diagnostics)


def codes(found: list[Diagnostic]) -> list[tuple[str, str]]:
    """Return code and key of each problem."""
    return [(problem.code, problem.loc.name) for problem in found]
