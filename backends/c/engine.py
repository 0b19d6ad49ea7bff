"""Run a compiled artifact: every spike and membrane of every step, or the outputs of samples alone, at full speed."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import numpy as np

from snncc.backends.artifact import broken, read_manifest
from snncc.backends.c.arrays import Ints
from snncc.backends.c.build import build
from snncc.backends.process import failed, kill_group
from snncc.compiler.diagnostics import Loc, SnnccError, fail
from snncc.compiler.trace import Feed, Sent, Trace

WHAT = "the compiled artifact"
WORD = np.dtype("<i8")
BUFFER = 1 << 20  # bytes between the process and us; a step of a trace is some 100 kB
Names = list[tuple[str, int]]  # populations, inputs or outputs: name and number of neurons or elements


def trace(artifact: Path, feed: Feed) -> Trace:
    """Compile an artifact, run a feed and yield every step.

    Raises:
        SnnccError: SNN604, SNN605, SNN606.
    """
    populations = _ends(artifact, "populations")
    inputs = [name for name, _ in _ends(artifact, "inputs")]
    return _traced(build(artifact), populations, inputs, feed)


def read_outputs(artifact: Path, levels: Mapping[str, Ints]) -> dict[str, Ints]:
    """Run samples back to back in one process and return what the host reads.

    Args:
        artifact: a folder that the backend ``c`` wrote, of a program that takes samples alone.
        levels: by name of the tensor input, int64 [samples, ...], every one within the input's levels.

    Returns:
        By name of the output, int64 [samples, elements], in the order of the output.

    Raises:
        SnnccError: SNN604, SNN605, SNN606.
    """
    inputs, outputs = _ends(artifact, "inputs"), _ends(artifact, "outputs")
    samples = len(next(iter(levels.values())))
    fed = [np.asarray(levels[name], dtype=WORD).reshape(samples, size) for name, size in inputs]
    process = _start(build(artifact), "--binary", subprocess.PIPE, subprocess.PIPE)
    with process:
        results, errors = process.communicate(np.concatenate(fed, axis=1).tobytes())
    if process.returncode:
        raise failed(WHAT, process.returncode, errors.decode("utf-8", errors="replace"))
    sizes = [size for _, size in outputs]
    if len(results) != samples * sum(sizes) * WORD.itemsize:
        whole = f"{samples * sum(sizes)} values of {WORD.itemsize} bytes"
        raise _nonsense(f"it wrote {len(results)} bytes instead of {whole}")
    table = np.frombuffer(results, dtype=WORD).astype(np.int64).reshape(samples, sum(sizes))
    parts = np.split(table, np.cumsum(sizes)[:-1], axis=1)
    return {name: part for (name, _), part in zip(outputs, parts, strict=True)}


def _ends(artifact: Path, kind: str) -> Names:
    """Return the name of every population, input or output, and how many neurons or elements it has, in order."""
    manifest = read_manifest(artifact)
    try:
        sizes = {str(p["name"]): int(np.prod(p["shape"], dtype=np.int64)) for p in manifest["populations"]}
        if kind == "populations":
            return list(sizes.items())
        if kind == "outputs":
            return [(str(end["name"]), int(np.prod(end["shape"], dtype=np.int64))) for end in manifest[kind]]
        return [(str(end["name"]), sizes[end["population"]]) for end in manifest[kind]]
    except (KeyError, TypeError, ValueError) as error:
        raise broken(artifact, f"its manifest does not list the {kind}: {error!r}") from error


def _start(binary: Path, mode: str, stdin: int | IO[bytes], stderr: int | IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [str(binary), mode],
            bufsize=BUFFER,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    except OSError as error:
        reason = f"{WHAT} cannot be started: {error.strerror or error}"
        hint = "name a folder from which programs can be started in SNNCC_CACHE_DIR"
        raise fail("SNN606", reason, Loc(WHAT, str(binary)), hint) from error


def _nonsense(reason: str) -> SnnccError:
    hint = "emit the artifact again; its self-test says what is changed in it"
    return fail("SNN606", f"{WHAT} gives no such results as it should: {reason}", Loc(WHAT, ""), hint)


def _traced(binary: Path, populations: Names, inputs: list[str], feed: Feed) -> Trace:
    with tempfile.TemporaryFile() as arrivals, tempfile.TemporaryFile() as errors:
        # A file, not a pipe: nobody has to write while we read, so nothing can wait for itself.
        _write_arrivals(arrivals, inputs, feed)
        arrivals.seek(0)
        process = _start(binary, "--trace", arrivals, errors)
        try:
            yield from _steps(_Reader(process, errors), populations, feed.steps)
        finally:
            if process.stdout is not None:
                process.stdout.close()
            kill_group(process)


def _write_arrivals(file: IO[bytes], inputs: list[str], feed: Feed) -> None:
    """Write the arrivals of every step as the mode ``--trace`` reads them: their count, then three words of each."""
    parts = [np.zeros((0, 4), dtype=np.int64)]
    for k, name in enumerate(inputs):
        if name in feed.arrivals:
            fed = feed.arrivals[name]
            parts.append(np.stack([fed.step, np.full(len(fed.step), k, dtype=np.int64), fed.neuron, fed.value], axis=1))
    table = np.concatenate(parts)
    table = table[np.argsort(table[:, 0], kind="stable")]
    steps, number = np.arange(feed.steps, dtype=np.int64), np.arange(len(table), dtype=np.int64)
    begin, end = np.searchsorted(table[:, 0], steps), np.searchsorted(table[:, 0], steps, side="right")
    words = np.zeros(feed.steps + 3 * len(table), dtype=WORD)
    words[steps + 3 * begin] = end - begin
    words[(table[:, 0] + 1 + 3 * number)[:, None] + np.arange(3)] = table[:, 1:]
    file.write(words.tobytes())


class _Reader:
    """Reads numbers from a process, and says why where it ends early."""

    def __init__(self, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        self._process, self._errors = process, errors

    def numbers(self, count: int, bytes_each: int = 8) -> Ints:
        """Return the next integers."""
        assert self._process.stdout is not None
        size = count * bytes_each
        data = self._process.stdout.read(size)
        if len(data) != size:
            raise self.failure()
        return np.frombuffer(data, dtype=f"<i{bytes_each}").astype(np.int64)

    def number(self) -> int:
        """Return the next integer."""
        return int(self.numbers(1)[0])

    def failure(self) -> SnnccError:
        """Return the error of a process that has ended or is about to."""
        status = self._process.wait()
        if status == 0:
            return _nonsense("it ended before its last step")
        self._errors.seek(0)
        return failed(WHAT, status, self._errors.read().decode("utf-8", errors="replace"))


def _steps(reader: _Reader, populations: Names, steps: int) -> Iterator[dict[str, Sent]]:
    names = [name for name, _ in populations]
    shapes = _shapes(reader, populations)
    sent: dict[str, Sent] = {}
    for step in range(steps):
        status = reader.number()
        if 0 < status <= len(names):
            message = f"a state or payload of population {names[status - 1]} left its declared width in step {step}"
            raise fail("SNN606", message, Loc(WHAT, names[status - 1]))
        if status:
            raise reader.failure()
        sent = {name: _sent(reader, *shape, sent.get(name)) for name, shape in zip(names, shapes, strict=True)}
        yield sent


def _shapes(reader: _Reader, populations: Names) -> list[tuple[int, int]]:
    """Return of every population its neurons and the bytes of a membrane."""
    found = reader.number() == len(populations)
    shapes = [(reader.number(), reader.number()) for _ in populations] if found else []
    if [size for size, _ in shapes] != [size for _, size in populations] or {b for _, b in shapes} - {4, 8}:
        raise _nonsense("it has other populations than its manifest")
    return shapes


def _sent(reader: _Reader, size: int, membrane_bytes: int, before: Sent | None) -> Sent:
    """Return what a population did: where that is what it did before, without a spike, the same object."""
    count = reader.number()
    if count == -1 and before is not None:
        return before if not before.spikes.any() else Sent(np.zeros((size, 1), dtype=np.int64), before.membrane)
    if not 0 <= count <= size:
        raise _nonsense(f"{count} of {size} neurons spiked")
    pairs = reader.numbers(2 * count).reshape(-1, 2)
    if count and not 0 <= pairs[:, 0].min() <= pairs[:, 0].max() < size:
        raise _nonsense(f"a neuron spiked that is none of {size}")
    spikes = np.zeros((size, 1), dtype=np.int64)
    spikes[pairs[:, 0], 0] = pairs[:, 1]
    return Sent(spikes, reader.numbers(size, membrane_bytes).reshape(size, 1))
