"""Programs of others are started, waited for with a limit, and their failures told."""

from __future__ import annotations

import sys
import time

import pytest

from snncc.backends.process import run_limited
from snncc.compiler.diagnostics import SnnccError


def python(code: str, seconds: float = 60) -> str:
    return run_limited([sys.executable, "-c", code], "the test", seconds)


def test_output_and_errors_are_returned() -> None:
    assert set(python("import sys; print('out'); print('err', file=sys.stderr)").split()) == {"out", "err"}


def test_a_failure_is_told_with_its_last_words() -> None:
    with pytest.raises(SnnccError, match=r"(?s)SNN606.*the test failed with status 3.*last words") as error:
        python("print('first\\n' * 50 + 'last words'); raise SystemExit(3)")
    assert str(error.value).count("first") < 20


def test_what_is_missing_is_told() -> None:
    with pytest.raises(SnnccError, match="SNN605"):
        run_limited(["/nowhere/at-all"], "the test", 1)


def test_what_hangs_is_stopped_with_its_children() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    begun = time.monotonic()
    with pytest.raises(SnnccError, match=r"SNN606.*within 1 s"):
        python(code, 1)
    assert time.monotonic() - begun < 300
