"""What ``snncc cost`` tells: verdict first, absent figures as such, all of it as JSON."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.snncc.conftest import Command


def test_the_verdict_comes_first_and_is_said_to_be_modelled(snncc: Command) -> None:
    said = snncc("cost", "tiny.snnp", "--data", "test.npz", "--limit", "4")
    assert said.code == 0, said.err
    first, source, counted, ann, *_ = said.out.splitlines()
    assert first.startswith("modelled: ")
    assert "bound by" in first
    assert source.startswith("table davies2018 of loihi2: ")
    assert counted == "events: exact, mean of 4 samples back to back, on 1 core, 1 chip"
    assert ann.startswith("8-bit ANN, the same network frame by frame: ")
    assert "energy without: spike (not stated apart from the update)" in said.out
    assert "NeuroBench: footprint" in said.out
    assert said.err == ""


def test_json_has_every_layer_core_and_step(snncc: Command) -> None:
    found = snncc("cost", "tiny.snnp", "--data", "test.npz", "--limit", "3", "--json").json
    spiking = found["spiking"]
    assert (found["kind"], found["table"], found["samples"]) == ("modelled", "davies2018", 3)
    assert len(spiking["steps"]["bound"]) == 3 * spiking["interval_steps"]
    assert sum(part["energy_pj"] for part in spiking["energy"]["layers"]) == pytest.approx(
        spiking["energy"]["dynamic_pj"]
    )
    assert [part["name"] for part in spiking["energy"]["cores"]] == ["0"]
    assert found["absent"]["energy.spike"] == "not stated apart from the update"
    assert {kind["kind"]: kind["energy_pj"] for kind in spiking["energy"]["kinds"]}["spike"] is None


def test_a_rate_gives_duty_cycle_and_power(snncc: Command) -> None:
    said = snncc("cost", "tiny.snnp", "--data", "test.npz", "--limit", "2", "--rate", "100")
    assert said.code == 0
    assert "at 100 inferences a second the program steps " in said.out
    assert "average power " in said.out


def test_a_rate_out_of_reach_is_a_failure(snncc: Command) -> None:
    said = snncc("cost", "tiny.snnp", "--data", "test.npz", "--limit", "2", "--rate", "1e9")
    assert said.code == 1
    assert "the program is OUT OF REACH" in said.out


def test_a_target_without_tables_has_events_and_no_prices(snncc: Command) -> None:
    said = snncc("cost", "tiny.snnp", "--data", "test.npz", "--limit", "2", "--target", "generic")
    assert said.code == 0
    assert said.out.startswith("modelled: absent an inference; times are absent")


def test_wrong_options_are_refused_together(refused: Command, work: Path) -> None:
    options = ("--rate", "-1", "--limit", "0")
    assert refused("cost", "tiny.snnp", "--data", "test.npz", *options, code=2).codes == ["SNN731", "SNN731"]


def test_an_unknown_table_is_refused_with_those_there_are(refused: Command) -> None:
    said = refused("cost", "tiny.snnp", "--data", "test.npz", "--table", "other", code=2)
    assert said.codes == ["SNN730"]
    assert "davies2018" in said.json["diagnostics"][0]["hint"]


def test_data_that_do_not_fit_are_refused(refused: Command) -> None:
    said = refused("cost", "tiny.snnp", "--data", "missing.npz")
    assert said.codes == ["SNN401"]
