"""Backends of other packages are found without being loaded, and a bad one harms none of the others."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from snncc.backends.registry import BUNDLED, GROUP, get_backend, list_backends, names
from snncc.compiler.diagnostics import Diagnostic, SnnccError

BACKEND = """
from snncc.backends.base import Backend

class {cls}(Backend):
    name = "{name}"
    about = "made for a test"

    def check(self, program):
        return []

    def emit(self, program, folder):
        return {{}}

    def run(self, artifact, feed):
        return iter(())

unfinished = type("Unfinished", (Backend,), {{"name": "{name}", "about": ""}})
ready = {cls}()
number = 7
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder where packages can be installed; their modules are forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("brought_"):
            del sys.modules[name]


def install(site: Path, package: str, offers: dict[str, str], source: str) -> None:
    """Install a package of one module that offers backends: ``class`` or another object of it, by name."""
    module = f"brought_{package}"
    (site / f"{module}.py").write_text(source, encoding="utf-8")
    info = site / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
    points = "\n".join(f"{name} = {module}:{value}" for name, value in offers.items())
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n", encoding="utf-8")


def problem(name: str) -> Diagnostic:
    """Return the one problem with a backend, which listing and getting it agree on."""
    listed = next(found for found in list_backends() if found.name == name)
    with pytest.raises(SnnccError) as error:
        get_backend(name)
    assert listed.backend is None
    assert [listed.problem] == [*error.value.diagnostics]
    assert error.value.exit_code == 1
    return error.value.diagnostics[0]


def usable() -> set[str]:
    return {listed.name for listed in list_backends() if listed.backend is not None}


def test_a_backend_of_another_package_is_loaded_when_it_is_used(site: Path) -> None:
    install(site, "paper", {"paper": "Paper"}, BACKEND.format(cls="Paper", name="paper"))
    assert names() == tuple(sorted((*BUNDLED, "paper")))
    assert "brought_paper" not in sys.modules
    assert get_backend("paper").about == "made for a test"
    assert "brought_paper" in sys.modules


def test_an_entry_point_may_name_an_object_too(site: Path) -> None:
    install(site, "paper", {"paper": "ready"}, BACKEND.format(cls="Paper", name="paper"))
    assert get_backend("paper") is sys.modules["brought_paper"].ready


@pytest.mark.parametrize(
    ("source", "value", "said"),
    [
        ("raise RuntimeError('no licence')", "Paper", "RuntimeError: no licence"),
        ("import a_module_that_is_not_there", "Paper", "ModuleNotFoundError"),
        ("def broken(:", "Paper", "SyntaxError"),
        ("", "Paper", "AttributeError"),
        (BACKEND.format(cls="Paper", name="other"), "Paper", "is no backend of that name"),
        (BACKEND.format(cls="Paper", name="paper"), "number", "is no backend of that name"),
        (BACKEND.format(cls="Paper", name="paper"), "unfinished", "TypeError"),
    ],
)
def test_a_package_that_cannot_be_loaded_is_listed_with_the_reason(
    source: str, value: str, said: str, site: Path
) -> None:
    install(site, "good", {"good": "Good"}, BACKEND.format(cls="Good", name="good"))
    before = usable()
    install(site, "paper", {"paper": value}, source)
    found = problem("paper")
    assert found.code == "SNN601"
    assert "paper" in found.message
    assert said in found.message
    assert found.hint
    assert usable() == before
    assert "good" in usable()


def test_two_packages_that_offer_one_name_are_both_named(site: Path) -> None:
    for package in ("one", "two"):
        install(site, package, {"paper": "Paper"}, BACKEND.format(cls="Paper", name="paper"))
    found = problem("paper")
    assert found.code == "SNN602"
    assert "brought_one:Paper" in found.message
    assert "brought_two:Paper" in found.message
    assert not {"brought_one", "brought_two"} & set(sys.modules)


def test_no_package_takes_the_name_of_a_bundled_backend(site: Path) -> None:
    install(site, "paper", {"c": "Paper"}, BACKEND.format(cls="Paper", name="c"))
    assert problem("c").code == "SNN602"
    assert usable() >= set(BUNDLED) - {"c"}


def test_the_bundled_backends_may_be_installed_as_well() -> None:
    """They stand in the registry for a bare checkout, and in pyproject.toml for everyone who reads entry points."""
    assert all(len(listed.offers) == 1 for listed in list_backends())
    assert usable() >= set(BUNDLED)


def test_an_unknown_name_is_a_bad_option(site: Path) -> None:
    install(site, "paper", {"paper": "Paper"}, BACKEND.format(cls="Paper", name="paper"))
    with pytest.raises(SnnccError) as error:
        get_backend("papre")
    assert [found.code for found in error.value.diagnostics] == ["SNN600"]
    assert error.value.exit_code == 2
    assert ", ".join(sorted((*BUNDLED, "paper"))) in error.value.diagnostics[0].hint
    assert "brought_paper" not in sys.modules
