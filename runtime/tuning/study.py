"""The study on disk: every finished trial, one line of JSON each, kept by optuna's journal; nothing is pickled.

Only finished trials are written, so a process that is killed leaves nothing half done but, at worst, a last line that
breaks off, which is dropped when the study is opened again. One process at a time writes to a study.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError, fail
from snncc.compiler.options import WEIGHT_BITS
from snncc.compiler.quantize.recipe import Recipe
from snncc.runtime.tuning.outcome import Outcome, from_json
from snncc.runtime.tuning.point import Point, from_params
from snncc.runtime.tuning.space import MOST_LEVELS, ROUNDINGS, SCALES

NAME, HEADER, OUTCOME = "snncc", "snncc.problem", "snncc.outcome"
AGAIN = "name another file, or remove this one"


class Study:
    """The trials of one problem, in the order in which they were finished; on disk where there is a file."""

    def __init__(self, path: Path | None, layers: tuple[str, ...]) -> None:
        """Start or go on; see ``opened``."""
        self.path, self.layers = path, layers
        self._study = _loaded(path)

    def trials(self) -> Iterator[tuple[Point, Outcome]]:
        """Yield what the study holds."""
        for trial in self._study.get_trials(deepcopy=False):
            yield from_params(self.layers, trial.params), from_json(trial.user_attrs[OUTCOME])

    def add(self, point: Point, outcome: Outcome, minimize: str) -> None:
        """Write a finished trial; it is on the disk when this returns."""
        from optuna.trial import TrialState, create_trial

        refused = outcome.cost is None
        self._study.add_trial(
            create_trial(
                state=TrialState.FAIL if refused else TrialState.COMPLETE,
                values=None if refused else [outcome.loss, outcome.objective(minimize)],
                params=point.params(),
                distributions=distributions(self.layers),
                user_attrs={OUTCOME: outcome.to_json()},
            )
        )

    def claim(self, header: Mapping[str, Any]) -> None:
        """Write what the study is of, or see that it is the same.

        Raises:
            SnnccError: SNN522, what differs.
        """
        held = self._study.user_attrs.get(HEADER)
        if held is None and not self._study.get_trials(deepcopy=False):
            self._study.set_user_attr(HEADER, dict(header))
            return
        held = held or {}
        problems = [_foreign(self.path, key, held.get(key), value) for key, value in header.items()]
        if found := [problem for problem in problems if problem]:
            raise SnnccError(found)


@contextmanager
def opened(path: Path | None, layers: tuple[str, ...], header: Mapping[str, Any]) -> Iterator[Study]:
    """Give the study in a file, for this process alone; one in memory where there is no file.

    Raises:
        SnnccError: SNN522 it is a study of something else, SNN523 it is no study, or cannot be read or written, SNN524
            another process has it.
    """
    quiet()
    if path is None:
        yield _claimed(None, layers, header)
        return
    with _alone(path):
        _drop_torn(path)
        yield _claimed(path, layers, header)


def _claimed(path: Path | None, layers: tuple[str, ...], header: Mapping[str, Any]) -> Study:
    try:
        study = Study(path, layers)
        study.claim(header)
        list(study.trials())
    except SnnccError:
        raise
    except Exception as error:  # what optuna raises at lines of another make is of many kinds
        raise _unreadable(path, f"it is no study of snncc ({type(error).__name__}: {error})") from error
    return study


def study_path(where: Path, model: str) -> Path:
    """Return the file of a study: in a folder, one named for the model."""
    return where / f"{Path(model).stem or 'model'}.study.jsonl" if where.is_dir() else where


def distributions(layers: tuple[str, ...]) -> dict[str, Any]:
    """Return what values each parameter of a point can take, as optuna has it."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    kinds = {
        "levels": IntDistribution(1, MOST_LEVELS, log=True),
        "weight_bits": IntDistribution(*WEIGHT_BITS),
        "scales": CategoricalDistribution(SCALES),
        "rounding": CategoricalDistribution(ROUNDINGS),
    }
    return {key: kinds[key.rpartition(".")[2]] for layer in layers for key in _keys(layer)}


def quiet() -> None:
    """Keep optuna from writing to the terminal."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)


def _keys(layer: str) -> list[str]:
    return list(Point(((layer, Recipe()),)).params())


def _loaded(path: Path | None) -> Any:
    """Return the study that a file holds; a new one if there is nothing in it.

    Raises:
        ValueError: it holds something else.
    """
    import optuna

    held = path is not None and path.stat().st_size > 0
    storage = _storage(path)
    if NAME in optuna.get_all_study_names(storage):
        return optuna.load_study(study_name=NAME, storage=storage)  # to create it again would add a line
    if held:
        raise ValueError("it holds no study of that name")
    return optuna.create_study(storage=storage, study_name=NAME, directions=["minimize", "minimize"])


def _storage(path: Path | None) -> Any:
    from optuna.storages import InMemoryStorage, JournalStorage
    from optuna.storages.journal import JournalFileBackend

    if path is None:
        return InMemoryStorage()
    lock: Any = _Held()  # has what optuna calls
    return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))


class _Held:
    """A lock for optuna that is always open: the whole study is locked already."""

    def acquire(self) -> bool:
        """Return at once."""
        return True

    def release(self) -> None:
        """Do nothing."""


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock on the study's file; the system lets go of it when the process ends, however it ends."""
    try:
        file = open(path, "ab")  # noqa: SIM115  closed below
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    with file:
        if not _locked(file):
            hint = "wait until it is done, or name another file"
            raise fail("SNN524", f"study '{path}' is in use by another process", Loc("study", path.name), hint)
        yield


def _locked(file: IO[bytes]) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows has no such locks
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _drop_torn(path: Path) -> None:
    """Cut off a last line that breaks off: a process was killed while it wrote it."""
    try:
        with open(path, "r+b") as file:
            data = file.read()
            if data and not _is_json(data.split(b"\n", 1)[0]):
                raise _unreadable(path, "its first line is no JSON")
            file.truncate(data.rfind(b"\n") + 1)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _foreign(path: Path | None, key: str, held: object, wanted: object) -> Diagnostic | None:
    if held == wanted:
        return None
    short = {name: f"{value}"[:16] if value is not None else "nothing" for name, value in (("a", held), ("b", wanted))}
    message = f"study '{path}' is of another {key}: it holds {short['a']}, this is {short['b']}"
    return Diagnostic("SNN522", message, Loc("study", path.name if path else ""), AGAIN)


def _unreadable(path: Path | None, reason: str) -> SnnccError:
    name = path.name if path else "study"
    return fail("SNN523", f"cannot use study '{path}': {reason}", Loc("study", name), AGAIN)
