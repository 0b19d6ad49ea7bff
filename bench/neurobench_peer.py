"""NeuroBench's own harness beside our account of its metrics, on the same spikes.

``python -m bench.neurobench_peer`` compiles examples in every coding, counts synaptic operations and sparsities as
``snncc cost`` does, replays the same spikes through torch layers with the same weights (``bench.neurobench_replay``),
lets NeuroBench count those, and compares. A row says ``exact`` where every count agrees to the last operation.

NeuroBench is no dependency of snncc. Where it is missing a line says so and nothing is measured. It is enough to

    pip install tqdm && pip install --no-deps neurobench==2.3.0 snntorch
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

import snncc
from bench.subjects import EXAMPLES
from snncc.compiler.program import Connection, Program
from snncc.runtime.cost.circle import circle
from snncc.runtime.cost.frames import layers_of
from snncc.runtime.cost.neurobench import SynapticOperations, Workload
from snncc.runtime.cost.reach import reaches
from snncc.runtime.run import input_levels
from snncc.terminal import console, progress, table, write_json, write_table

Ints = npt.NDArray[np.int64]
Array = npt.NDArray[Any]
NEEDED = ("neurobench", "snntorch", "torch", "tqdm")
NETWORKS = ("mnist_cnn", "fashion_resnet", "fashion_mobilenet")
NUMBERS = ("steps", "effective MACs", "effective ACs", "dense", "of pools", "activation sparsity")
CODINGS = ("rate", "bitplane", "ttfs", "graded")


@dataclass(frozen=True)
class Row:
    """Ours and NeuroBench's metrics of one program.

    Attributes:
        network: name of the example.
        coding: name of the coding.
        samples: samples counted.
        steps: steps of a sample.
        ours: synaptic operations, pools not counted.
        theirs: the same, by the harness.
        our_pools: those of pools.
        their_pools: the same, by the harness; None where there are none.
        our_sparsities: of connections, rounded as the harness rounds it, and of activations.
        their_sparsities: the same, by the harness.
    """

    network: str
    coding: str
    samples: int
    steps: int
    ours: SynapticOperations
    theirs: SynapticOperations
    our_pools: SynapticOperations
    their_pools: SynapticOperations | None
    our_sparsities: tuple[float, float]
    their_sparsities: tuple[float, float]

    @property
    def exact(self) -> bool:
        """Return whether operations agree to the last, and sparsities but for the order of float64 sums."""
        pools = self.their_pools is None or self.our_pools == self.their_pools
        sparsities = np.allclose(self.our_sparsities, self.their_sparsities, rtol=1e-12, atol=0)
        return self.ours == self.theirs and pools and bool(sparsities)


def missing() -> str:
    """Return the packages that the peer needs and that are not installed, empty if none."""
    return ", ".join(name for name in NEEDED if find_spec(name) is None)


def compare(program: Program, x: Array, network: str, coding: str) -> Row:
    """Return both accounts of a program on some inputs."""
    levels = input_levels(program, x)
    workload = Workload(reaches(program))
    for _, sent in circle(program, levels):
        workload.add(sent)
    ours = workload.metrics(program, len(x))
    pools = layers_of(program, "pool")
    main = [c for c in program.connections if c.target not in pools]
    pooling = [c for c in program.connections if c.target in pools]
    theirs, *sparsities = _harness(program, levels, main)
    return Row(
        network,
        coding,
        len(x),
        program.interval,
        ours.synaptic_operations,
        theirs,
        ours.pooling,
        _harness(program, levels, pooling)[0] if pooling else None,
        (round(ours.connection_sparsity or 0.0, 4), ours.activation_sparsity or 0.0),
        (sparsities[0], sparsities[1]),
    )


def _harness(
    program: Program, levels: Mapping[str, Ints], connections: Sequence[Connection]
) -> tuple[SynapticOperations, float, float]:
    """Return synaptic operations, connection and activation sparsity, as NeuroBench's benchmark finds them."""
    from neurobench.benchmarks import Benchmark
    from neurobench.metrics import static, workload
    from neurobench.models import TorchModel
    from torch import zeros
    from torch.utils.data import DataLoader, TensorDataset

    from bench.neurobench_replay import Replay, Sends, windows

    samples = windows(program, levels)
    model = TorchModel(Replay(program, connections))
    model.add_activation_module(Sends)
    loader = DataLoader(TensorDataset(samples, zeros(len(samples))), batch_size=1)
    metrics = [[static.ConnectionSparsity], [workload.ActivationSparsity, workload.SynapticOperations]]
    found = Benchmark(model, loader, [], [], metrics).run(quiet=True)
    counts = [float(found["SynapticOperations"][name]) for name in ("Effective_MACs", "Effective_ACs", "Dense")]
    return SynapticOperations(*counts), found["ConnectionSparsity"], found["ActivationSparsity"]


def rows(networks: Sequence[str], codings: Sequence[str], samples: int) -> Iterator[Row]:
    """Yield a row for each network and coding."""
    for network in networks:
        folder = EXAMPLES / network
        graph = snncc.import_model(folder / f"{network}.onnx")
        calibration, x = np.load(folder / "calibration.npz")["x"], np.load(folder / "test.npz")["x"][:samples]
        for coding in codings:
            yield compare(snncc.compile(graph, calibration, coding=coding), x, network, coding)


def main(
    networks: Annotated[list[str] | None, typer.Argument(help="Examples to compare on.")] = None,
    samples: Annotated[int, typer.Option(help="Samples of each.")] = 2,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Compare our account of NeuroBench's metrics with its own, on the same spikes."""
    if absent := missing():
        console().print(f"nothing to compare: {absent} not installed")
        return
    chosen, found = networks or list(NETWORKS), []
    with progress(as_json) as bar:
        for row in rows(chosen, CODINGS, samples):
            found.append(row)
            bar(f"{row.network}, {row.coding}", len(found), len(chosen) * len(CODINGS))
    if as_json:
        write_json([asdict(row) | {"exact": row.exact} for row in found])
    else:
        write_table(table(("network", "coding", *NUMBERS, "agree"), [_cells(row) for row in found], NUMBERS))
    if not all(row.exact for row in found):
        raise typer.Exit(1)


def _cells(row: Row) -> tuple[str, ...]:
    counts, pools = row.theirs, row.their_pools
    operations = [f"{value:,.1f}" for value in (counts.effective_macs, counts.effective_acs, counts.dense)]
    pooled = "-" if pools is None else f"{pools.effective_macs + pools.effective_acs:,.1f}"
    activation = f"{row.their_sparsities[1]:.4f}"
    agree = "exact" if row.exact else "DIFFERENT"
    return (row.network, row.coding, str(row.steps), *operations, pooled, activation, agree)


if __name__ == "__main__":
    typer.run(main)
