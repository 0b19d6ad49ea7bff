"""What pyproject.toml declares is what the disk holds."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
FOLDERS = {
    "snncc": "snncc",
    "compiler": "snncc.compiler",
    "backends": "snncc.backends",
    "runtime": "snncc.runtime",
    "examples/mnist_cnn": "snncc.demo",
}


def declared() -> dict[str, Any]:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    setuptools: dict[str, Any] = table["tool"]["setuptools"]
    return setuptools


def files() -> Iterator[tuple[str, Path]]:
    """Yield package and path of every file; os.walk stays out of the links in snncc/."""
    for folder, package in FOLDERS.items():
        for where, folders, names in os.walk(ROOT / folder):
            folders[:] = [name for name in folders if name != "__pycache__"]
            inside = Path(where).relative_to(ROOT / folder).parts
            yield from ((".".join((package, *inside)), Path(where, name)) for name in names)


def test_every_package_on_disk_is_declared() -> None:
    on_disk = {package for package, path in files() if path.name == "__init__.py"}
    assert sorted(declared()["packages"]) == sorted(on_disk)


def test_every_module_is_in_a_package() -> None:
    packages = declared()["packages"]
    modules = ((package, path) for package, path in files() if path.suffix == ".py")
    stray = [path for package, path in modules if package not in packages]
    assert [path for path in stray if "templates" not in path.parts] == []


def test_every_data_file_is_declared() -> None:
    folder_of = {package: path.parent for package, path in files() if path.name == "__init__.py"}
    patterns = declared()["package-data"].items()
    covered = {path for package, globs in patterns for pattern in globs for path in folder_of[package].glob(pattern)}
    data = {path for _, path in files() if path.suffix != ".py" or "templates" in path.parts}
    links = {ROOT / name.replace(".", "/") for name in FOLDERS.values()}  # text files where links are unknown
    assert sorted(data - covered - links) == []


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if folder != "snncc"])
def test_each_folder_is_linked_into_the_package(folder: str) -> None:
    link = ROOT / FOLDERS[folder].replace(".", "/")
    if not link.is_symlink():
        pytest.skip("this checkout has no symbolic links")
    assert link.readlink() == Path("..", folder)
