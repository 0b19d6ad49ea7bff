"""Data: what fits becomes float32 unchanged, and what does not is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from snncc.compiler.data import as_inputs, blame, check_data, class_indices, read_npz, split_labels
from snncc.compiler.diagnostics import Loc, SnnccError, fail
from snncc.compiler.ir.types import FLOAT, TensorType

IMAGE = {"image": TensorType(FLOAT, (1, 2, 3))}
TWO = {"a": TensorType(FLOAT, (2,)), "b_0": TensorType(FLOAT, (3,))}
ANY = st.one_of(hnp.scalar_dtypes(), hnp.array_dtypes())


def outcome(data: dict[str, np.ndarray], *labels: Any) -> dict[str, np.ndarray] | SnnccError:
    try:
        return check_data(data, IMAGE, *labels)
    except SnnccError as error:
        return error


@given(hnp.arrays(np.float32, (3, 1, 2, 3), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_finite_float32_passes_unchanged(x: np.ndarray) -> None:
    np.testing.assert_array_equal(check_data({"image": x}, IMAGE)["image"], x)


@given(hnp.arrays(ANY, hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=3)))
def test_any_array_is_taken_or_refused_with_diagnostics(x: np.ndarray) -> None:
    found = outcome({"image": x})
    if isinstance(found, SnnccError):
        assert {d.code for d in found.diagnostics} <= {"SNN403", "SNN404", "SNN405"}
        assert all(d.hint and d.loc == Loc("data", "image") for d in found.diagnostics)
    else:
        assert found["image"].dtype == np.float32
        assert np.isfinite(found["image"]).all()
        assert found["image"].flags.c_contiguous


@given(
    hnp.arrays(ANY, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)),
    st.sampled_from([(), (1,), (4,), (4, 1), (2, 3)]),
)
def test_any_labels_are_taken_or_refused_with_diagnostics(labels: np.ndarray, output: tuple[int, ...]) -> None:
    found = outcome({"image": np.zeros((4, 1, 2, 3))}, labels, output)
    if isinstance(found, SnnccError):
        assert [d.code for d in found.diagnostics] == ["SNN406"]
        assert all(d.hint and d.loc == Loc("data", "y") for d in found.diagnostics)
    elif class_indices(labels, output):
        assert len(labels) == 4
        assert labels.min() >= 0
        assert labels.max() < max(output)
    else:
        assert labels.reshape(4, *output).size == 4 * np.prod(output)


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((1, 2, 3), "add an axis for the samples in front: x[None]"),
        ((5, 2, 3, 1), "its axes stand in another order: transpose them; the model's channels come first"),
        ((5, 6), "it fits as x.reshape(-1, 1, 2, 3)"),
        ((5, 7), "prepare the samples as they were for training"),
        ((), "prepare the samples as they were for training"),
    ],
)
def test_the_hint_says_what_most_likely_went_wrong(shape: tuple[int, ...], hint: str) -> None:
    with pytest.raises(SnnccError) as caught:
        check_data({"image": np.zeros(shape)}, IMAGE)
    assert [d.hint for d in caught.value.diagnostics] == [hint]


def test_labels_are_left_alone_where_the_output_is_unknown() -> None:
    check_data({"image": np.zeros((2, 1, 2, 3))}, IMAGE, np.array([7, 99]))


def test_one_input_takes_x_or_its_own_name() -> None:
    x, y = np.zeros((2, 1, 2, 3)), np.zeros(2)
    for name in ("x", "image"):
        inputs, labels = split_labels({name: x, "y": y}, IMAGE)
        assert inputs["image"] is x
        assert labels is y
    assert as_inputs(x, IMAGE)["image"] is x
    assert as_inputs({"image": x}, IMAGE)["image"] is x


def test_an_input_called_y_holds_no_labels() -> None:
    kinds = {"x": TensorType(FLOAT, (1,)), "y": TensorType(FLOAT, (1,))}
    x, y = np.zeros((2, 1)), np.ones((2, 1))
    inputs, labels = split_labels({"x": x, "y": y}, kinds)
    assert inputs == {"x": x, "y": y}
    assert labels is None


def test_inputs_answer_to_the_names_of_the_model_file() -> None:
    arrays = {"a": np.zeros((2, 2)), "b:0": np.zeros((2, 3))}
    assert split_labels(arrays, TWO)[0]["b_0"] is arrays["b:0"]


def test_every_missing_input_is_named() -> None:
    with pytest.raises(SnnccError) as caught:
        split_labels({"c": np.zeros(1)}, TWO)
    assert [(d.code, d.loc.name) for d in caught.value.diagnostics] == [("SNN402", "a"), ("SNN402", "b_0")]


def test_blame_names_the_file() -> None:
    with pytest.raises(SnnccError) as caught, blame(Path("some/cal.npz")):
        check_data({"image": np.zeros((0, 1, 2, 3))}, IMAGE)
    assert str(caught.value).startswith("cal.npz:image: error[SNN405]: input 'image' holds no samples")
    with pytest.raises(SnnccError) as caught, blame("net.snnp", "?"):
        raise fail("SNN315", "bad schedule")
    assert str(caught.value) == "net.snnp: error[SNN315]: bad schedule"


def test_what_numpy_saves_is_read(tmp_path: Path) -> None:
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "x.npz", x=np.arange(3), y=np.float32(1))
        found = read_npz(tmp_path / "x.npz")
        assert sorted(found) == ["x", "y"]
        np.testing.assert_array_equal(found["x"], np.arange(3))


@given(st.binary(max_size=200))
def test_no_bytes_make_reading_fail_otherwise(data: bytes) -> None:
    path = Path("/dev/shm" if Path("/dev/shm").exists() else ".", "snncc-test.npz")
    try:
        for start in (b"", b"PK\x03\x04", b"\x93NUMPY"):
            path.write_bytes(start + data)
            with pytest.raises(SnnccError, match="SNN401"):
                read_npz(path)
    finally:
        path.unlink()
