"""Options and fixtures of every test."""

import difflib
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from hypothesis import settings

from tests.nets import tiny_cnn

GOLDEN_DIR = Path(__file__).parent / "golden"
IN_CI = os.environ.get("CI") == "true"
HAS_LAVA = importlib.util.find_spec("lava") is not None

collect_ignore = [] if HAS_LAVA else ["lava"]

# A slow machine must not fail a property test, and the same commit must not pass once and fail once. New examples are
# looked for with HYPOTHESIS_PROFILE=explore.
settings.register_profile("snncc", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "snncc"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden (never done in CI)")
    parser.addoption("--require-lava", action="store_true", help="fail unless the Lava tests can be collected")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--require-lava") and not HAS_LAVA:
        raise pytest.UsageError("--require-lava was given and lava-nc is not installed")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a whole text with tests/golden/<name>: `golden(text, name)`."""
    update = bool(request.config.getoption("--update-golden")) and not IN_CI

    def check(text: str, name: str) -> None:
        path = GOLDEN_DIR / name
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        if not path.exists():
            pytest.fail(f"tests/golden/{name} does not exist; `make golden` writes it")
        expected = path.read_text(encoding="utf-8")
        if text != expected:
            pytest.fail(f"tests/golden/{name} differs:\n{_diff(expected, text)}", pytrace=False)

    return check


def _diff(expected: str, actual: str) -> str:
    """Return a unified diff with escapes, so that a blank or a line end shows."""
    before, after = ([repr(line)[1:-1] for line in text.splitlines(keepends=True)] for text in (expected, actual))
    return "\n".join(difflib.unified_diff(before, after, "expected", "actual", lineterm=""))


@pytest.fixture(scope="session")
def tiny_model() -> onnx.ModelProto:
    """Return a small CNN on [1, 8, 8] with random weights."""
    return tiny_cnn()
