"""``snncc targets``: every target in a line, every figure of one with its source; files of the user by path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from snncc.compiler.targets import load_target, target_names
from snncc.compiler.targets.schema import RULES
from snncc.targets_command import details, key_of, meanings
from tests.compiler.targets.files import WHOLE, write
from tests.snncc.conftest import Command, compile_words


def test_every_target_is_listed(snncc: Command, golden: Callable[..., None]) -> None:
    golden(snncc("targets").out, "cli/targets.txt")


def test_the_list_is_json_too(snncc: Command) -> None:
    found = snncc("targets", "--json").json["targets"]
    assert [one["name"] for one in found] == [*target_names()]
    hala = next(one for one in found if one["name"] == "hala-point")
    assert (hala["chips"], hala["cores"], hala["neurons_a_core"]) == (1152, 140544, 4095)


def test_every_figure_of_a_target_is_shown(snncc: Command, golden: Callable[..., None]) -> None:
    golden(snncc("targets", "show", "loihi1").out, "cli/targets_loihi1.txt")


def test_what_is_shown_is_json_too(snncc: Command) -> None:
    for name in target_names():
        found = snncc("targets", "show", name, "--json").json
        target = load_target(name)
        assert [one["path"] for one in found["figures"]] == [*target.figures]
        assert all(one["absent"] == (one["value"] is None) and one["what"] for one in found["figures"])
        assert found["sources"] == target.sources
        assert found["cost"] == target.cost


def test_a_file_is_shown_by_its_path(snncc: Command, tmp_path: Path) -> None:
    path = write(tmp_path, WHOLE)
    assert snncc("targets", "show", path).out.startswith("chip: a chip for tests\n6 chips, 72 cores;")
    assert snncc("targets", "show", path, "--json").json["file"] == path


def test_a_target_that_is_not_there_ends_with_2(refused: Command) -> None:
    for name in ("loihi3", "none/chip.toml"):
        assert refused("targets", "show", name, code=2).codes == ["SNN501"]


def test_an_unknown_word_ends_with_2(refused: Command) -> None:
    assert refused("targets", "shw", code=2).codes == ["SNN500"]


def test_a_wrong_file_ends_with_1_and_every_problem(
    refused: Command, golden: Callable[..., None], snncc: Command, work: Path
) -> None:
    text = WHOLE.replace("[host]", "[hosts]").replace("{ value = 8,", "{ value = 99,")
    write(work, text)
    assert set(refused("targets", "show", "chip.toml", code=1).codes) == {"SNN701", "SNN702", "SNN704"}
    golden(snncc("targets", "show", "chip.toml").err, "cli/targets_wrong.txt")


def test_programs_are_compiled_for_a_file(snncc: Command, work: Path) -> None:
    write(work, WHOLE, "mine.toml")
    assert snncc(*compile_words(), "--target", "mine.toml").code == 0


def test_everything_that_a_file_may_say_has_its_meaning() -> None:
    words = meanings()
    assert all(words[key_of(path)] for path in RULES)
    assert all(figure["what"] for figure in details("loihi1")["figures"])
