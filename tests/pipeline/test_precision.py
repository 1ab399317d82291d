"""`--precision`: half the bytes, proven, with an error that is reported."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

import edgewright as ew
from edgewright import targets
from edgewright.errors import InvalidOption
from edgewright.passes.precision import Narrowing
from edgewright.pipeline.convert import convert
from edgewright.pipeline.verify import verify

MODEL = "digits_float.onnx"


@pytest.mark.parametrize(("precision", "bound"), [("float16", 5e-3), ("bfloat16", 5e-2)])
def test_half_the_bytes_at_a_reported_error(
    examples: Path, tmp_path: Path, precision: str, bound: float
) -> None:
    path = examples / "models" / MODEL
    whole = ew.build(path, out=tmp_path / "whole").manifest
    package = ew.build(path, out=tmp_path / "half", precision=precision)
    assert whole.precision is None
    info = package.manifest.precision
    assert info is not None and info.precision == precision
    (cost,) = info.outputs
    assert 0 < cost.rms_error < cost.max_error < bound
    assert package.manifest.oracles[0].max_error < 1e-4, "the import is still proven in float32"
    sizes = [m.targets["host"].memory.weights_bytes for m in (package.manifest, whole)]
    assert sizes[0] < 0.6 * sizes[1]


def test_verify_reads_how_it_was_built(examples: Path, tmp_path: Path) -> None:
    path = examples / "models" / MODEL
    built = ew.build(path, out=tmp_path / "half", precision="bfloat16-math").manifest
    assert "avx512bf16" in built.targets["host"].levels or platform.machine() != "x86_64"
    report = verify(tmp_path / "half", against=path, layers=True)
    assert report.good


def test_what_is_refused(examples: Path, tmp_path: Path) -> None:
    path = examples / "models" / MODEL
    with pytest.raises(InvalidOption, match="float8"):
        ew.load_model(path, precision="float8")
    with pytest.raises(InvalidOption, match="how a package stores weights"):
        convert(path, tmp_path / "x.tflite", precision="float16")


def test_a_model_without_float_weights_says_so(examples: Path) -> None:
    model = ew.load_model(examples / "models" / "digits_int8.onnx", precision="float16")
    assert any("no float weights" in note for note in model.notes)


def test_a_model_that_it_leaves_alone_needs_no_other_level(examples: Path) -> None:
    model = ew.load_model(examples / "models" / "digits_int8.onnx", precision="bfloat16-math")
    host = targets.get("host")
    assert model.built_for(host) == host
    assert model.narrowing == Narrowing()
    rounded = ew.load_model(examples / "models" / MODEL, precision="bfloat16-math")
    assert rounded.built_for(host) != host
