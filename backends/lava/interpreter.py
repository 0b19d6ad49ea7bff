"""Find a Python that has Lava: lava-nc 0.10 runs on CPython 3.10 only, which need not be the one that runs snncc."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import snncc.backends
from snncc.compiler.diagnostics import Loc, fail

VARIABLE = "SNNCC_LAVA_PYTHON"
HINT = (
    f"make an environment with CPython 3.10, install lava-nc==0.10.0 there with pip, and set {VARIABLE} to its python "
    "(or call the environment .venv-lava)"
)
_PROBE = (
    "import sys, importlib.metadata as m\n"
    "print('python', *sys.version_info[:2], sep='.')\n"
    "print('lava', m.version('lava-nc'), sep='.')"
)
_NEEDED = ("python.3.10", "lava.0.10.")


def lava_python() -> str:
    """Return the Python to run Lava with.

    That is $SNNCC_LAVA_PYTHON, else this Python if it has Lava, else ``.venv-lava`` in the current folder or in the
    checkout that snncc is run from.

    Raises:
        SnnccError: SNN605, there is none.
    """
    if reason := missing_lava():
        raise fail("SNN605", reason, Loc("lava", ""), HINT)
    return next(_candidates())


def missing_lava() -> str:
    """Return in a sentence what is missing to run Lava, empty if nothing is."""
    python = next(_candidates(), None)
    if python is None:
        return "no Python with lava-nc 0.10.0 was found"
    return _unfit(python)


def _candidates() -> Iterator[str]:
    if named := os.environ.get(VARIABLE):
        yield named
    if importlib.util.find_spec("lava") is not None:
        yield sys.executable
    for folder in (Path.cwd(), Path(snncc.backends.__file__).resolve().parent.parent):
        python = folder / ".venv-lava" / "bin" / "python"
        if python.is_file():
            yield str(python)


def _unfit(python: str) -> str:
    """Return why a Python cannot run Lava, empty if it can."""
    try:
        asked = subprocess.run([python, "-c", _PROBE], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return f"the Python for Lava, '{python}', cannot be started: {error}"
    found = asked.stdout.split()
    if not asked.returncode and len(found) == 2 and all(map(str.startswith, found, _NEEDED)):
        return ""
    has = " and ".join(found) or "nothing"
    return f"the Python for Lava, '{python}', does not have CPython 3.10 and lava-nc 0.10: it has {has}"
