"""The .snnp file: what it holds, that it is reproducible, and that a broken one is refused with a diagnostic."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from snncc.compiler.catalogue import CATALOGUE
from snncc.compiler.container import load_program, save_program
from snncc.compiler.diagnostics import InternalError, SnnccError
from snncc.compiler.ir import print_graph
from snncc.compiler.program import VERSION, Program
from snncc.compiler.program_text import tensors_of
from tests.strategies_program import example, example_with_origin, programs

MEMBERS = ["program.json", "program.safetensors", "network.txt", "network.safetensors", "model.onnx", "compile.json"]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Return the file of a program with an origin."""
    path = tmp_path / "net.snnp"
    save_program(example_with_origin(), path)
    return path


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def changed(path: Path, changes: Mapping[str, bytes | None]) -> Path:
    """Write the file again with other members; None takes one away."""
    members = {**members_of(path), **changes}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            if data is not None:
                archive.writestr(name, data)
    return path


def codes(path: Path) -> set[str]:
    """Return the codes with which a file is refused."""
    with pytest.raises(SnnccError) as caught:
        load_program(path)
    found = {d.code for d in caught.value.diagnostics}
    assert found <= set(CATALOGUE)
    return found


@given(programs())
@settings(max_examples=50, suppress_health_check=list(HealthCheck))
def test_what_is_saved_loads_as_the_same_program(program: Program) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "p.snnp")
        save_program(program, path)
        loaded = load_program(path)
    assert loaded == program
    assert [p.loc for p in loaded.populations] == [p.loc for p in program.populations]
    assert {array.dtype for array in tensors_of(loaded).values()} <= {np.dtype(np.int64)}


def test_the_origin_is_kept(saved: Path) -> None:
    program, loaded = example_with_origin(), load_program(saved)
    assert loaded == program
    assert loaded.origin is not None
    assert program.origin is not None
    assert print_graph(loaded.origin.network) == print_graph(program.origin.network)
    assert loaded.origin.notes == program.origin.notes
    assert loaded.origin.settings == program.origin.settings


def test_equal_programs_make_equal_files(saved: Path, tmp_path: Path) -> None:
    load_program(saved).save(tmp_path / "again.snnp")
    assert (tmp_path / "again.snnp").read_bytes() == saved.read_bytes()


def test_the_zip_is_stored_in_fixed_order_with_fixed_dates(saved: Path) -> None:
    with zipfile.ZipFile(saved) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == MEMBERS
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.external_attr for entry in entries} == {0o644 << 16}


def test_a_program_without_origin_is_two_members(tmp_path: Path) -> None:
    save_program(example(), tmp_path / "p.snnp")
    assert list(members_of(tmp_path / "p.snnp")) == MEMBERS[:2]
    assert load_program(tmp_path / "p.snnp").origin is None


def test_program_json_holds_no_float(saved: Path) -> None:
    def refuse(text: str) -> None:
        raise AssertionError(f"a float: {text}")

    plain = json.loads(members_of(saved)["program.json"], parse_float=refuse)
    assert plain["version"] == VERSION
    assert [item["scale"] for item in plain["outputs"]] == ["1/4096"] * 2


def test_arrays_take_the_narrowest_type(saved: Path) -> None:
    constants = load_tensors(members_of(saved)["network.safetensors"])
    assert {name: array.dtype.name for name, array in constants.items()} == {"w": "int16", "b": "int32"}
    arrays = load_tensors(members_of(saved)["program.safetensors"])
    assert {array.dtype.name for array in arrays.values()} == {"int8"}


@pytest.mark.parametrize("where", ["missing/p.snnp", "", "folder"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, where: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(SnnccError, match=r"SNN301.*cannot write"):
        save_program(example(), os.path.join(tmp_path, where))
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]


@pytest.mark.parametrize("where", ["", ".", "bad\0name"])
def test_a_path_that_is_none_is_named(where: str) -> None:
    with pytest.raises(SnnccError, match=r"SNN301.*cannot write"):
        save_program(example(), where)


def test_a_write_that_fails_half_way_leaves_what_was_there(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def full(self: zipfile.ZipFile, *args: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(SnnccError, match="No space left on device"):
        save_program(example(), saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_program_that_breaks_a_rule_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(SnnccError, match="SNN315"):
        save_program(replace(example(), interval=3), tmp_path / "p.snnp")
    assert list(tmp_path.iterdir()) == []


def test_settings_that_json_does_not_hold_are_our_mistake(tmp_path: Path) -> None:
    program = example_with_origin()
    assert program.origin is not None
    strange = replace(program, origin=replace(program.origin, settings={"path": tmp_path}))
    with pytest.raises(InternalError, match="JSON"):
        save_program(strange, tmp_path / "p.snnp")


def test_a_file_that_is_no_zip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.snnp"
    assert codes(path) == {"SNN302"}
    assert codes(tmp_path) == {"SNN302"}
    for data in (b"", b"PK\x03\x04", b"no zip at all", bytes(1000)):
        path.write_bytes(data)
        assert codes(path) == {"SNN302"}


def test_a_file_cut_short_is_refused_wherever_it_is_cut(saved: Path) -> None:
    data = saved.read_bytes()
    for length in {*range(0, len(data), 211), *range(len(data) - 80, len(data))}:
        saved.write_bytes(data[:length])
        assert codes(saved) == {"SNN302"}


def loaded_or_none(path: Path) -> Program | None:
    """Return the program, None if it is refused with a diagnostic."""
    try:
        return load_program(path)
    except SnnccError:
        return None


def test_a_flipped_byte_is_refused_or_changes_nothing(saved: Path) -> None:
    """Bytes that no checksum covers (dates, permissions) may change; none may change the program."""
    data = saved.read_bytes()
    rng = np.random.default_rng(0)
    for position in [*range(0, len(data), 37), *range(len(data) - 600, len(data))]:
        damaged = bytearray(data)
        damaged[position] ^= int(rng.integers(1, 256))
        saved.write_bytes(damaged)
        loaded = loaded_or_none(saved)
        assert loaded is None or loaded == example_with_origin()


def test_compressed_parts_are_refused(saved: Path) -> None:
    members = members_of(saved)
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**members, "zeros": bytes(10**7)}.items():
            archive.writestr(name, data)
    with pytest.raises(SnnccError, match="compressed"):
        load_program(saved)


def test_two_parts_of_one_name_are_refused(saved: Path) -> None:
    with zipfile.ZipFile(saved, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("program.json", b"{}")
    with pytest.raises(SnnccError, match="two parts of one name"):
        load_program(saved)


@pytest.mark.parametrize("member", MEMBERS)
def test_a_missing_part_is_named(saved: Path, member: str) -> None:
    with pytest.raises(SnnccError, match=f"SNN303.*{member} is missing"):
        load_program(changed(saved, {member: None}))


@pytest.mark.parametrize("member", ["program.json", "compile.json"])
@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"\xff\xfe\x00", b"[" * 100_000, b'{"version": 1e999'])
def test_a_part_that_is_no_json_is_refused(saved: Path, member: str, data: bytes) -> None:
    assert codes(changed(saved, {member: data})) == {"SNN303"}


@pytest.mark.parametrize(
    ("version", "hint"), [(VERSION + 1, "upgrade"), (1, "compile"), (0, "compile"), ("2", "compile"), (None, "compile")]
)
def test_another_version_is_refused_with_what_to_do(saved: Path, version: object, hint: str) -> None:
    plain = {**json.loads(members_of(saved)["program.json"]), "version": version, "later": "unknown"}
    with pytest.raises(SnnccError, match=rf"(?s)SNN304.*hint: .*{hint}"):
        load_program(changed(saved, {"program.json": json.dumps(plain).encode()}))


CHANGES: list[tuple[str, object, str, str]] = [
    ("name", 5, "SNN303", "program/name is 5"),
    ("interval", 4.0, "SNN303", "interval is 4.0, not int"),
    ("interval", None, "SNN303", "interval is None"),
    ("interval", -1, "SNN315", "interval -1"),
    ("later", 1, "SNN303", "unknown entry 'later'"),
    ("populations", {}, "SNN303", "populations is no list"),
    ("populations", [5], "SNN303", "is 5, not dict"),
    ("populations", [], "SNN313", "which is no population"),
    ("neurons", [["u = nothing"]], "SNN303", "is no instruction"),
    ("neurons", [], "SNN303", "neuron program 0 cannot be read"),
    ("neurons", [["port add", "param offset theta", "state v:8=1000"]], "SNN311", "initial value 1000"),
    ("outputs", [{"name": "o", "population": "y", "scale": 0.5}], "SNN303", "scale is 0.5, not str"),
    ("outputs", [{"name": "o", "population": "nobody", "scale": "1/2"}], "SNN317", "nobody"),
    ("inputs", [{"name": "o", "population": "x", "port": "add"}], "SNN303", "unknown type None"),
]


@pytest.mark.parametrize(("entry", "value", "code", "message"), CHANGES)
def test_program_json_that_is_wrong_is_refused(saved: Path, entry: str, value: object, code: str, message: str) -> None:
    plain = {**json.loads(members_of(saved)["program.json"]), entry: value}
    with pytest.raises(SnnccError, match=f"{code}.*{message}"):
        load_program(changed(saved, {"program.json": json.dumps(plain).encode()}))


def test_every_wrong_item_is_reported_with_its_place(saved: Path) -> None:
    plain = json.loads(members_of(saved)["program.json"])
    del plain["populations"][0]["shape"]
    plain["connections"][1]["delay"] = "1"
    with pytest.raises(SnnccError) as caught:
        load_program(changed(saved, {"program.json": json.dumps(plain).encode()}))
    places = [d.loc.name for d in caught.value.diagnostics]
    assert places == ["program.json, populations[0]", "program.json, connections[1]"]


@pytest.mark.parametrize("member", ["program.safetensors", "network.safetensors"])
@pytest.mark.parametrize("kind", [np.float32, np.uint8, np.bool_])
def test_tensors_that_are_no_signed_integers_are_refused(saved: Path, member: str, kind: type[np.generic]) -> None:
    tensors = {name: array.astype(kind) for name, array in load_tensors(members_of(saved)[member]).items()}
    assert codes(changed(saved, {member: save_tensors(tensors)})) == {"SNN305"}


@pytest.mark.parametrize("data", [b"", b"\xff" * 8, b"\x02\x00\x00\x00\x00\x00\x00\x00{}garbage"])
def test_tensors_that_cannot_be_read_are_refused(saved: Path, data: bytes) -> None:
    assert codes(changed(saved, {"program.safetensors": data})) == {"SNN305"}


def test_missing_tensors_are_named(saved: Path) -> None:
    with pytest.raises(SnnccError, match=r"SNN303.*tensor 'populations/x/params/offset'.*does not hold"):
        load_program(changed(saved, {"program.safetensors": save_tensors({})}))


def test_missing_constants_of_the_network_are_named(saved: Path) -> None:
    with pytest.raises(SnnccError, match=r"SNN002.*constant @b is given by digest, its array is missing"):
        load_program(changed(saved, {"network.safetensors": save_tensors({})}))


NETWORKS = [
    ("stage=quantized", "stage=imported", {"SNN010"}),
    ("%u = conv", "%u = relu6", {"SNN002"}),
    ("%u = conv(%x", "%u = conv(%y", {"SNN010"}),
    ("strides=(1, 1)", "strides=(0, 0)", {"SNN303"}),
    ("strides=(1, 1)", "strides=('a', 1)", {"SNN303"}),
    ("readout(%u, @b)", "readout()", {"SNN010"}),
    ("%y =", "%z =", {"SNN010"}),
    ("int64[9] sha256", "int64[8] sha256", {"SNN002"}),
]


@pytest.mark.parametrize(("old", "new", "expected"), NETWORKS)
def test_a_broken_network_is_refused(saved: Path, old: str, new: str, expected: set[str]) -> None:
    text = members_of(saved)["network.txt"].decode()
    assert old in text
    assert codes(changed(saved, {"network.txt": text.replace(old, new).encode()})) == expected


def test_a_network_that_is_not_quantized_or_no_text_is_refused(saved: Path) -> None:
    floats = "graph @f stage=imported {\n input %x : float32[2]\n %y = relu(%x) {cap=None} : float32[2]\n return %y\n}"
    assert codes(changed(saved, {"network.txt": floats.encode()})) == {"SNN303"}
    assert codes(changed(saved, {"network.txt": b"\xff\xff"})) == {"SNN303"}


@pytest.mark.parametrize(
    "text", ["{}", '{"notes": []}', '{"notes": [1], "settings": {}}', '{"notes": [], "settings": 1}']
)
def test_notes_and_settings_must_be_there(saved: Path, text: str) -> None:
    assert codes(changed(saved, {"compile.json": text.encode()})) == {"SNN303"}


@pytest.mark.parametrize("listed", [None, [], ["program.json", "program.safetensors", "extra.txt"]])
def test_members_that_are_unknown_are_refused(saved: Path, listed: object) -> None:
    plain = {**json.loads(members_of(saved)["program.json"]), "members": listed}
    with pytest.raises(SnnccError, match=r"SNN303.*unknown members"):
        load_program(changed(saved, {"program.json": json.dumps(plain).encode()}))


def test_a_part_that_nobody_listed_is_ignored(saved: Path) -> None:
    assert load_program(changed(saved, {"remarks.txt": b"made on a Monday"})) == example_with_origin()
