"""One door: what kind of model it is, is found out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from snncc.compiler.diagnostics import InternalError, SnnccError
from snncc.compiler.frontend import onnx_reader
from snncc.compiler.frontend.door import import_model
from tests.compiler.frontend.models import codes, model, node, weight


def test_onnx_models_come_as_path_bytes_or_proto(tmp_path: Path) -> None:
    proto = model([node("Conv", "x w")], weights={"w": weight(3, 2, 3, 3)})
    path = tmp_path / "net.onnx"
    onnx.save(proto, str(path))
    for source in (path, str(path), path.read_bytes(), proto):
        assert import_model(source, name="my net").name == "my_net"
    assert import_model(path).name == "net"


def test_anything_else_is_refused() -> None:
    for thing in (None, 3, np.zeros(3)):
        with pytest.raises(SnnccError) as error:
            import_model(thing)
        assert codes(error) == ["SNN110"]


def test_a_conversion_that_is_wrong_is_our_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    proto = model([node("Conv", "x w")], weights={"w": weight(3, 2, 3, 3)})
    read = onnx_reader._read

    def wrong(*arguments: object) -> object:
        walked = read(*arguments)  # type: ignore[arg-type]
        graph = replace(walked.graph, constants={"w": 2 * weight(3, 2, 3, 3)})
        return replace(walked, graph=graph)

    monkeypatch.setattr(onnx_reader, "_read", wrong)
    with pytest.raises(InternalError, match="differs"):
        import_model(proto)
