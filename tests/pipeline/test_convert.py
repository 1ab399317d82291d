"""`convert`: what is written is proven, and what is not proven is not written."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.exporters.canonical import canonical

import edgewright as ew
from edgewright.errors import InvalidOption, Problems, UnsupportedModel, VerificationFailed
from edgewright.exporters import onnx as exporter
from edgewright.pipeline import convert as convert_verb

FLOAT, INT8 = "digits_float.onnx", "digits_int8.onnx"


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A channels-first convolution, as PyTorch exports one, flattened into a product."""
    rng = np.random.default_rng(0)
    constants = {
        "w": rng.standard_normal((4, 3, 3, 3)).astype(np.float32),
        "m": rng.standard_normal((5, 36)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["conv"], name="first"),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("MaxPool", ["relu"], ["pool"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["pool"], ["flat"]),
        helper.make_node("Gemm", ["flat", "m"], ["scores"], transB=1),
    ]
    graph = helper.make_graph(
        nodes, "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 5])],
        [numpy_helper.from_array(v, k) for k, v in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def names_in(folder: Path) -> set[str]:
    """What is in a folder, hidden files too."""
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("suffix", ["onnx", "tflite"])
def test_a_channels_first_net_has_no_transposes_left(net: Path, suffix: str) -> None:
    made = ew.convert(net, net.parent / f"out.{suffix}", layers=True)
    assert (made.contents.inside, made.contents.interface) == (0, 0)
    assert made.proof is not None
    assert made.proof.good
    assert made.against == "ONNX Runtime"
    assert {layer.op for layer in made.layers} >= {"conv", "max_pool"}
    assert max(layer.error for layer in made.layers) < 1e-5


@pytest.mark.parametrize("suffix", ["onnx", "tflite"])
def test_a_channels_first_interface_may_stay(net: Path, suffix: str) -> None:
    made = ew.convert(net, net.parent / f"out.{suffix}", channels_first=True)
    assert made.contents.inside == 0
    assert made.contents.interface == (1 if suffix == "tflite" else 0)


# A product with a scale per channel becomes a convolution in .tflite: older runtimes read that.
@pytest.mark.parametrize(
    ("model", "suffix"), [(FLOAT, "onnx"), (FLOAT, "tflite"), (INT8, "onnx")], ids=str
)
def test_round_trip(examples: Path, tmp_path: Path, model: str, suffix: str) -> None:
    out = tmp_path / f"out.{suffix}"
    made = ew.convert(examples / "models" / model, out, channels_first=True)
    assert made.bytes_after == out.stat().st_size
    before, after = ew.load_model(examples / "models" / model), ew.load_model(out)
    assert canonical(after.module) == canonical(before.module)


def test_int8_is_within_one_step_by_operator(examples: Path, tmp_path: Path) -> None:
    for suffix in ("onnx", "tflite"):
        made = ew.convert(examples / "models" / INT8, tmp_path / f"out.{suffix}")
        assert len(made.layers) > 3
        assert max(layer.error for layer in made.layers) <= 1
        assert made.source is not None


def test_bytes_are_the_same_again(net: Path) -> None:
    for suffix in ("onnx", "tflite"):
        digests = set()
        for index in range(2):
            path = net.parent / f"out{index}.{suffix}"
            ew.convert(net, path, verified=False)
            digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
        assert len(digests) == 1


def test_names_lead_back_to_the_source(net: Path) -> None:
    names = net.parent / "names.json"
    made = ew.convert(net, net.parent / "out.tflite", names=names)
    found = json.loads(names.read_text())
    assert found == made.to_json()["names"]
    sources = {entry["source"] for entry in found.values()}
    assert {"image", "scores", "pool"} <= sources
    turned = [entry for entry in found.values() if entry["source"] == "image"]
    assert turned == [{"source": "image", "permutation": [0, 2, 3, 1]}]


def test_narrow_weights(net: Path) -> None:
    for weights in ("float16", "dynamic_range"):
        for suffix in ("onnx", "tflite"):
            made = ew.convert(net, net.parent / f"{weights}.{suffix}", weights=weights)
            assert made.proof is not None
            assert made.proof.tolerance > 1e-4


def test_metadata_goes_along(net: Path) -> None:
    (net.parent / "model.toml").write_text('[model]\nname = "Net"\nlicence = "MIT"\n')
    ew.convert(net, net.parent / "out.onnx")
    proto = onnx.load(net.parent / "out.onnx")
    assert {e.key: e.value for e in proto.metadata_props} == {"name": "Net", "licence": "MIT"}


# -- nothing but proven files ----------------------------------------------------------------------


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exporter that gets a number wrong."""
    export = exporter.export

    def wrong(*args: Any, **kwargs: Any) -> Any:
        made = export(*args, **kwargs)
        proto = onnx.ModelProto.FromString(made.data)
        held = numpy_helper.to_array(proto.graph.initializer[0])
        changed = numpy_helper.from_array(held * np.float32(1.5), proto.graph.initializer[0].name)
        proto.graph.initializer[0].CopyFrom(changed)
        object.__setattr__(made, "data", proto.SerializeToString())
        return made

    monkeypatch.setattr(exporter, "export", wrong)


@pytest.mark.usefixtures("broken")
def test_a_wrong_file_is_not_written(net: Path) -> None:
    out = net.parent / "out.onnx"
    out.write_text("what was there")
    with pytest.raises(VerificationFailed, match="the onnx file differs in ONNX Runtime"):
        ew.convert(net, out)
    with pytest.raises(Problems) as caught:
        ew.convert(net, out, layers=True)
    assert "operator #1 conv 'conv' of the onnx file differs" in caught.value.errors[0].what
    assert out.read_text() == "what was there"
    assert names_in(net.parent) == {"net.onnx", "out.onnx"}


@pytest.mark.usefixtures("broken")
def test_an_unverified_file_says_so(net: Path) -> None:
    made = ew.convert(net, net.parent / "out.onnx", verified=False)
    assert made.proof is None
    assert any("NOT VERIFIED" in note for note in made.notes)
    assert made.to_json()["verified"] is None


def test_a_full_disk_leaves_nothing(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidOption, match="cannot write the file: No space left on device"):
        ew.convert(net, net.parent / "out.onnx")
    assert names_in(net.parent) == {"net.onnx"}


def test_an_interrupt_leaves_nothing(net: Path) -> None:
    def interrupt(step: str) -> None:
        if step.startswith("running the onnx"):
            assert len(names_in(net.parent)) == 2  # the workshop, which is hidden
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ew.convert(net, net.parent / "out.onnx", progress=interrupt)
    assert names_in(net.parent) == {"net.onnx"}


@pytest.mark.parametrize(
    ("out", "options", "what"),
    [("out.pb", {}, "suffix '.pb'"), ("folder.onnx", {}, "is a folder"),
     ("net.onnx", {}, "is the model itself"), ("out.tflite", {"opset": 17}, "has no opset"),
     ("out.onnx", {"weights": "int2"}, "weights are 'int2'"), ("out.onnx", {"opset": 3}, "outside"),
     ("net.onnx/out.onnx", {}, "cannot write the file")],
)  # fmt: skip
def test_wrong_wishes_are_refused(net: Path, out: str, options: dict[str, Any], what: str) -> None:
    (net.parent / "folder.onnx").mkdir()
    before = hashlib.sha256(net.read_bytes()).hexdigest()
    with pytest.raises(InvalidOption, match=what):
        ew.convert(net, net.parent / out, **options)
    assert hashlib.sha256(net.read_bytes()).hexdigest() == before


def test_what_cannot_be_expressed_is_refused_by_name(tmp_path: Path) -> None:
    nodes = [helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=2, clip=3.0)]
    graph = helper.make_graph(
        nodes, "net", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 1, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 1, 1, 2])],
        [numpy_helper.from_array(np.ones((1, 8, 3), np.float32), "w"),
         numpy_helper.from_array(np.ones((1, 8, 2), np.float32), "r")],
    )  # fmt: skip
    path = tmp_path / "lstm.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(UnsupportedModel, match="clip"):
        ew.convert(path, tmp_path / "out.onnx")
    assert names_in(tmp_path) == {"lstm.onnx"}


def test_the_verb_is_public() -> None:
    assert ew.convert is convert_verb
