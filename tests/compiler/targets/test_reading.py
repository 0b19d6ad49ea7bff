"""Target files: what stands in them is what the target has; every problem is reported at once, with file and key."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.targets import Board, Core, CostTable, Figure, Host, Packing, is_path, load_target
from tests.compiler.targets.files import WHOLE, changed, codes, problems, write


def test_a_file_says_what_the_target_has(tmp_path: Path) -> None:
    path = write(tmp_path, WHOLE)
    made = load_target(path)
    assert (made.name, made.file, made.description) == ("chip", path, "a chip for tests")
    assert (made.state_bits, made.accumulator_bits, made.max_delay, made.ports) == (20, 18, 7, 4)
    assert (made.codings, made.schedules, made.dominated) == (
        ("graded", "rate"),
        ("pipelined", "sequential"),
        {"rate": "graded"},
    )
    assert made.core == Core(neurons=100, in_axons=64, synapse_words=1000)
    assert made.packing == Packing("list", 32, False, 1, 2, 3, 4, 5, (4, 8))
    assert made.board == Board(6, 12, 2, 3, 2)
    assert made.host == Host("host", 1e6)
    energy = {"synaptic_event": 2.0, "update": 3.5}
    assert made.tables == {
        "first": CostTable("first", "a table for tests", energy, {"update": 4.5}, {2: 30.0, 12: 90.0}, 0.5)
    }
    assert [*made.tables["first"].barrier] == [2, 12]
    assert made.cost == {"synaptic_event_pj": 2.0, "update_pj": 3.5}
    assert made.figures["arithmetic.state_bits"] == Figure(20, "a", "as it is")
    assert made.figures["core.programs"] == Figure(None, "", "not public")


def test_a_path_may_be_an_object(tmp_path: Path) -> None:
    assert load_target(Path(write(tmp_path, WHOLE))).name == "chip"


@pytest.mark.parametrize(
    ("name", "path"), [("loihi2", False), ("loihi2.toml", True), ("./loihi2", True), ("a/b", True)]
)
def test_a_path_ends_in_toml_or_names_a_folder(name: str, path: bool) -> None:
    assert is_path(name) is path


def test_the_two_energies_of_codings_may_stand_by_themselves(tmp_path: Path) -> None:
    own = (
        '[cost]\nsynaptic_event_pj = { value = 7, source = "a" }\nupdate_pj = { value = 8, source = "a" }\n\n[sources]'
    )
    assert load_target(write(tmp_path, changed(("[sources]", own)))).cost == {"synaptic_event_pj": 7, "update_pj": 8}


def test_an_empty_list_of_codings_stands_for_all(tmp_path: Path) -> None:
    assert load_target(write(tmp_path, changed(('["graded", "rate"]', "[]")))).codings == (*CODINGS,)
    one_bit = (
        ("graded = { value = true", "graded = { value = false"),
        ("payload_bits = { value = 8", "payload_bits = { value = 2"),
        ('["graded", "rate"]', "[]"),
        ('rate = "graded"\n', ""),
    )
    assert codes(problems(write(tmp_path, changed(*one_bit)))) == [("SNN706", "features.codings")]
    rate = ('coding = { value = "graded"', 'coding = { value = "rate"')
    made = load_target(write(tmp_path, changed(*one_bit, rate)))
    assert made.codings == tuple(name for name, coding in CODINGS.items() if not coding.graded)


def test_codings_that_are_added_are_among_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CODINGS, "another", CODINGS["rate"])
    assert "another" in load_target("loihi2").codings
    assert "another" not in load_target("loihi1").codings


def test_a_crossbar_needs_rows_and_widths_alone(tmp_path: Path) -> None:
    begin, end = WHOLE.index("[packing]"), WHOLE.index("[board]")
    crossbar = (
        '[packing]\nkind = { value = "crossbar", source = "a" }\nrows = { value = 256, source = "a" }\n'
        'widths = { value = [1, 8], source = "a" }\n\n'
    )
    made = load_target(write(tmp_path, WHOLE[:begin] + crossbar + WHOLE[end:]))
    assert made.packing == Packing(kind="crossbar", rows=256, widths=(1, 8))


@pytest.mark.parametrize("name", ["loihi3", "", "none/such.toml", "../loihi2", "such.toml"])
def test_a_target_that_is_not_there_is_named(name: str) -> None:
    found = problems(name, exit_code=2)
    assert codes(found) == [("SNN501", "target")]
    assert f"'{name}'" in found[0].message
    assert "loihi2" in found[0].hint


@pytest.mark.parametrize(
    ("code", "key", "before", "after"),
    [
        ("SNN700", "", 'description = "a chip for tests"', "description = a chip"),
        ("SNN700", "schema", "schema = 2", "schema = 1"),
        ("SNN700", "schema", "schema = 2", "schema = true"),
        ("SNN700", "schema", "schema = 2\n", ""),
        ("SNN701", "core.neuron", "neurons = {", 'neuron = { value = 1, source = "a" }\nneurons = {'),
        ("SNN701", "boards", "[sources]", "[boards]\n[sources]"),
        ("SNN701", "version", "schema = 2", "schema = 2\nversion = 3"),
        ("SNN701", "tables.first.energy.hop", "hop_x =", "hop ="),
        ("SNN701", "tables.first.power", "static_watts =", "power ="),
        ("SNN701", "tables.first.barrier.few", "12 =", "few ="),
        ("SNN701", "tables.first.barrier.0", "12 =", "0 ="),
        ("SNN701", "dominated.rat", 'rate = "graded"', 'rat = "graded"'),
        ("SNN702", "core.fan_in", 'fan_in = { absent = "not public" }\n', ""),
        ("SNN702", "packing.list_bits", 'list_bits = { value = 2, source = "a" }\n', ""),
        ("SNN702", "description", 'description = "a chip for tests"\n', ""),
        ("SNN702", "tables.first.description", 'description = "a table for tests"\n', ""),
        ("SNN703", "core.neurons", 'neurons = { value = 100, source = "a" }', "neurons = 100"),
        ("SNN703", "core.neurons", '{ value = 100, source = "a" }', "{ value = 100 }"),
        ("SNN703", "core.neurons", '{ value = 100, source = "a" }', '{ value = "100", source = "a" }'),
        ("SNN703", "core.neurons", '{ value = 100, source = "a" }', '{ value = true, source = "a" }'),
        ("SNN703", "core.neurons", '{ value = 100, source = "a" }', '{ value = 1.5, source = "a" }'),
        ("SNN703", "core.neurons", '{ value = 100, source = "a" }', '{ value = 100, source = "a", unit = "n" }'),
        ("SNN703", "core.neurons", '{ value = 100, source = "a" }', '{ source = "a" }'),
        ("SNN703", "core.neurons", '{ value = 100, source = "a" }', '{ absent = "?", value = 1, source = "a" }'),
        ("SNN703", "core.neurons", '{ value = 100, source = "a" }', '{ absent = " " }'),
        ("SNN703", "core.neurons", '{ value = 100, source = "a" }', "{ value = 100, source = 3 }"),
        ("SNN703", "board.chips", '{ value = 6, source = "a" }', '{ absent = "not public" }'),
        ("SNN703", "packing.widths", "{ value = [4, 8]", "{ value = [4, true]"),
        ("SNN703", "packing.shared_kernels", "{ value = false", "{ value = 0"),
        ("SNN703", "tables.first.time", '[tables.first.time]\nupdate = { value = 4.5, source = "a" }', ""),
        ("SNN703", "description", '"a chip for tests"', "7"),
        ("SNN703", "sources.b", 'a = "a source for tests"', 'a = "a source for tests"\nb = 3'),
        ("SNN704", "core.neurons", "{ value = 100,", "{ value = 0,"),
        ("SNN704", "arithmetic.state_bits", "{ value = 20,", "{ value = 64,"),
        ("SNN704", "packing.kind", '{ value = "list"', '{ value = "lists"'),
        ("SNN704", "features.codings", '["graded", "rate"]', '["graded", "rates"]'),
        ("SNN704", "features.schedules", '["pipelined", "sequential"]', "[]"),
        ("SNN704", "tables.first.energy.update", "{ value = 3.5", "{ value = -3.5"),
        ("SNN704", "tables.first.energy.update", "{ value = 3.5", "{ value = inf"),
        ("SNN704", "dominated.rate", 'rate = "graded"', 'rate = "grade"'),
        ("SNN705", "core.neurons", '{ value = 100, source = "a" }', '{ value = 100, source = "b" }'),
        ("SNN705", "core.programs", 'programs = { absent = "not public"', 'programs = { absent = "?", source = "b"'),
        ("SNN706", "board.tile_cores", "tile_cores = { value = 2", "tile_cores = { value = 5"),
        ("SNN706", "board.columns", "\ncolumns = { value = 3", "\ncolumns = { value = 7"),
        ("SNN706", "board.chip_columns", "chip_columns = { value = 2", "chip_columns = { value = 7"),
        ("SNN706", "defaults.coding", 'coding = { value = "graded"', 'coding = { value = "ttfs"'),
        ("SNN706", "defaults.schedule", '["pipelined", "sequential"]', '["sequential"]'),
        ("SNN706", "arithmetic.payload_bits", "payload_bits = { value = 8", "payload_bits = { value = 1"),
        ("SNN706", "packing.widths", "[4, 8]", "[1, 4]"),
        ("SNN706", "packing.rows", "word_bits =", 'rows = { value = 9, source = "a" }\nword_bits ='),
        ("SNN706", "dominated.rate", 'rate = "graded"', 'rate = "ttfs"'),
        ("SNN706", "dominated.rate", 'rate = "graded"', 'rate = "rate"'),
        ("SNN707", "chip", "schema = 2", 'schema = 2\nchip = "loihi"'),
        ("SNN707", "chip", "schema = 2", 'schema = 2\nchip = "none.toml"'),
        ("SNN707", "chip", "schema = 2", 'schema = 2\nchip = "chip.toml"'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_file_and_key(tmp_path: Path, code: str, key: str, before: str, after: str) -> None:
    change = (before, after)
    if key == "tables.first.time":  # a part of a table that is no section
        text = changed(change, ("[tables.first]\n", "[tables.first]\ntime = 5\n"))
    else:
        text = changed(change)
    path = write(tmp_path, text)
    found = problems(path)
    assert codes(found) == [(code, key or path)]
    assert found[0].loc.file == path


def test_a_chip_without_payloads_cannot_send_codings_of_them(tmp_path: Path) -> None:
    path = write(tmp_path, changed(("graded = { value = true", "graded = { value = false")))
    assert codes(problems(path)) == [("SNN706", "features.codings"), ("SNN706", "arithmetic.payload_bits")]


def test_energies_for_codings_must_stand_somewhere(tmp_path: Path) -> None:
    path = write(tmp_path, changed(('update = { value = 3.5, source = "a" }', 'update = { absent = "?" }')))
    assert codes(problems(path)) == [("SNN702", "cost.update_pj")]


def test_unknown_keys_have_the_nearest_as_their_fix(tmp_path: Path) -> None:
    text = changed(
        ("[host]", "[hosts]"), ("neurons =", "neuron ="), ("update = { value = 4.5", "updates = { value = 4.5")
    )
    hints = [problem.hint for problem in problems(write(tmp_path, text)) if problem.code == "SNN701"]
    assert [hint.partition("?")[0] for hint in hints] == [
        "did you mean 'neurons'",
        "did you mean 'host'",
        "did you mean 'update'",
    ]


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    text = changed(
        ("[host]", "[hosts]"),
        ('neurons = { value = 100, source = "a" }', "neurons = 100"),
        ("{ value = 20,", "{ value = 99,"),
        ('{ value = 64, source = "a" }', '{ value = 64, source = "b" }'),
        ("tile_cores = { value = 2", "tile_cores = { value = 5"),
    )
    assert sorted(codes(problems(write(tmp_path, text)))) == [
        ("SNN701", "hosts"),
        ("SNN702", "host.encoders"),
        ("SNN702", "host.events_per_second"),
        ("SNN703", "core.neurons"),
        ("SNN704", "arithmetic.state_bits"),
        ("SNN705", "core.in_axons"),
        ("SNN706", "board.tile_cores"),
    ]


def test_a_wrong_figure_is_not_missing_as_well(tmp_path: Path) -> None:
    path = write(tmp_path, changed(("{ value = 20,", "{ value = 99,")))
    assert codes(problems(path)) == [("SNN704", "arithmetic.state_bits")]


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chip.toml"
    path.write_bytes(b"\xff\xfe\x00")
    assert codes(problems(str(path))) == [("SNN700", str(path))]


def test_a_file_whose_name_no_program_can_bear_is_refused(tmp_path: Path) -> None:
    assert codes(problems(write(tmp_path, WHOLE, "my chip.toml"))) == [("SNN700", f"{tmp_path}/my chip.toml")]


BOARD = """schema = 2
chip = "chip.toml"
description = "a board for tests"

[board]
chips = { value = 10, source = "b" }

[core]
neurons = { absent = "not public" }

[dominated]
graded = "rate"

[tables.second]
description = "another table"

[tables.first.energy]
update = { value = 9, source = "b" }

[sources]
b = "another source"
"""


def test_a_board_says_what_differs_from_its_chip(tmp_path: Path) -> None:
    write(tmp_path, WHOLE)
    chip, board = load_target(f"{tmp_path}/chip.toml"), load_target(write(tmp_path, BOARD, "board.toml"))
    assert (board.name, board.description) == ("board", "a board for tests")
    assert board.board == Board(10, 12, 2, 3, 2)
    assert (board.core.neurons, board.core.in_axons) == (None, chip.core.in_axons)
    assert board.dominated == {"rate": "graded", "graded": "rate"}
    assert [*board.tables] == ["first", "second"]
    assert board.cost["update_pj"] == 9.0
    assert board.sources == {**chip.sources, "b": "another source"}
    same = set(chip.figures) - {"board.chips", "core.neurons", "tables.first.energy.update"}
    assert all(board.figures[path] == chip.figures[path] for path in same)


def test_a_board_is_described_by_itself(tmp_path: Path) -> None:
    write(tmp_path, WHOLE)
    path = write(tmp_path, BOARD.replace('description = "a board for tests"\n', ""), "board.toml")
    assert codes(problems(path)) == [("SNN702", "description")]


def test_problems_of_a_chip_are_reported_with_those_of_the_board(tmp_path: Path) -> None:
    write(tmp_path, changed(('{ value = 64, source = "a" }', '{ value = 64, source = "c" }')))
    path = write(tmp_path, BOARD.replace('{ value = 10, source = "b" }', '{ value = 1, source = "b" }'), "board.toml")
    found = {(problem.code, Path(problem.loc.file).name, problem.loc.name) for problem in problems(path)}
    assert found == {("SNN705", "chip.toml", "core.in_axons"), ("SNN706", "board.toml", "board.chip_columns")}


def test_a_board_may_build_on_a_bundled_chip_and_boards_on_boards(tmp_path: Path) -> None:
    write(tmp_path, BOARD.replace("chip.toml", "loihi2").replace("[tables.first.energy]", "[tables.davies2018.energy]"))
    path = write(tmp_path, 'schema = 2\nchip = "./chip.toml"\ndescription = "two of them"\n', "pair.toml")
    pair = load_target(path)
    assert (pair.board.chips, pair.board.cores, pair.cost["update_pj"]) == (10, 120, 9.0)


def test_files_that_build_on_each_other_are_refused(tmp_path: Path) -> None:
    write(tmp_path, BOARD.replace("chip.toml", "board.toml"), "chip.toml")
    found = problems(write(tmp_path, BOARD, "board.toml"))
    assert ("SNN707", "chip") in codes(found)
    assert "'board.toml' builds on 'chip.toml' builds on 'board.toml'" in next(
        problem.message for problem in found if problem.code == "SNN707"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="a folder cannot be unreadable there")
def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "chip.toml").mkdir()
    with pytest.raises(SnnccError, match="no target file"):
        load_target(f"{tmp_path}/chip.toml")


def test_a_payload_of_one_bit_carries_no_level(tmp_path: Path) -> None:
    signless = ("signed = { value = true", "signed = { value = false")
    narrow = ("payload_bits = { value = 8", "payload_bits = { value = 1")
    found = problems(write(tmp_path, changed(signless, narrow)))
    assert codes(found) == [("SNN706", "arithmetic.payload_bits")]
    assert "graded to false" in found[0].hint
