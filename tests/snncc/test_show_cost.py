"""How a cost report reads: what is left out is said, what is absent is no 0."""

from __future__ import annotations

from dataclasses import replace

import pytest

from snncc.compiler.diagnostics import SnnccError
from snncc.own_target import target_of
from snncc.runtime.cost.cost import cost
from snncc.runtime.cost.neurobench import SynapticOperations
from snncc.runtime.cost.report import CostReport
from snncc.show_cost import costed
from tests.runtime.cost.hand import X, program, target


@pytest.fixture(scope="module")
def report() -> CostReport:
    return cost(program(), X, target(), rate=1e6)


def told(report: CostReport, capsys: pytest.CaptureFixture[str]) -> list[str]:
    costed(report, as_json=False)
    return capsys.readouterr().out.splitlines()


def test_the_verdict_has_energy_time_and_bound(report: CostReport, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(report, capsys)[:5] == [
        "modelled: 168 pJ an inference (109 pJ in events, 59.5 pJ static), one every 59.5 ns (16,806,723 a second), "
        "latency 88.5 ns, bound by barrier (72.3% of the time)",
        "table hand of tiny: made up",
        "events: exact, mean of 2 samples back to back, on 3 cores, 1 chip",
        "8-bit ANN, the same network frame by frame: 207 pJ an inference (163 pJ in events, 44 pJ static), one every "
        "44 ns (22,727,273 a second), latency 132 ns, bound by compute (100.0% of the time, core 2, c)",
        "  energy without: word read",
    ]


def test_a_program_that_does_not_fit_is_said_to_run_on_one_core(
    report: CostReport, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = told(replace(report, placed=False), capsys)
    assert lines[0].startswith("modelled, on one core without limits: ")
    assert lines[2].endswith("on one core without limits")


def test_cores_that_are_not_listed_are_summed(report: CostReport, capsys: pytest.CaptureFixture[str]) -> None:
    core = report.spiking.energy.cores[0]
    many = tuple(replace(core, name=str(number), energy_pj=1000.0) for number in range(13))
    spiking = replace(report.spiking, energy=replace(report.spiking.energy, cores=many))
    (line,) = [line for line in told(replace(report, spiking=spiking), capsys) if line.startswith("3 more")]
    assert line.split()[2:] == ["3", "nJ"]


def test_operations_of_pools_are_told_apart(report: CostReport, capsys: pytest.CaptureFixture[str]) -> None:
    pooled = replace(report.neurobench, pooling=SynapticOperations(1.0, 2.0, 30.0), connection_sparsity=None)
    lines = told(replace(report, neurobench=pooled), capsys)
    assert "  of pools, which it does not count: 3 effective, 30 dense" in lines
    assert any("sparsity: connection -, activation" in line for line in lines)


def test_a_large_value_keeps_its_digits(report: CostReport, capsys: pytest.CaptureFixture[str]) -> None:
    spiking = replace(report.spiking, total_pj=2.5e15)
    assert told(replace(report, spiking=spiking), capsys)[0].startswith("modelled: 2500 J an inference")


def test_one_sample_is_no_mean(report: CostReport, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(replace(report, samples=1), capsys)[2].startswith("events: exact, of 1 sample back to back")


def test_power_that_is_absent_is_said_once(report: CostReport, capsys: pytest.CaptureFixture[str]) -> None:
    at = report.spiking.at_rate
    assert at is not None
    lacks = replace(at, static_pj=None, total_pj=None, average_watts=None)
    lines = told(replace(report, spiking=replace(report.spiking, at_rate=lacks)), capsys)
    (line,) = [line for line in lines if "the program steps" in line]
    assert line.endswith("an inference takes 115 pJ in events; average power is absent, as static power is")


def test_a_target_that_is_not_bundled_needs_its_file() -> None:
    with pytest.raises(SnnccError, match=r"(?s)SNN501.*give its file with --target FILE") as caught:
        target_of(program(), None)
    assert caught.value.exit_code == 2
    assert target_of(program(), "tiny.toml") == "tiny.toml"
    assert target_of(replace(program(), board="loihi2"), None) == "loihi2"
