"""Building: nothing is called good, or left behind, unless every comparison held."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import onnx.parser
import pytest

import edgewright as ew
from edgewright.artifact import Package
from edgewright.artifact.native import NativeModel
from edgewright.errors import (
    InvalidContract,
    InvalidInput,
    InvalidOption,
    OracleError,
    Problems,
    VerificationFailed,
)
from edgewright.ops.interpreter import Interpreter
from edgewright.pipeline.model import count_transposes
from edgewright.pipeline.samples import assign_files
from edgewright.pipeline.summary import summarize

MODEL = "digits_int8.onnx"


@pytest.fixture
def model(examples: Path) -> Path:
    return examples / "models" / MODEL


@pytest.fixture(scope="module")
def built(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Package:
    return ew.build(examples / "models" / MODEL, out=tmp_path_factory.mktemp("pipeline") / "p")


def build_module() -> Any:
    """The module of `build`, which the function of the same name hides."""
    return importlib.import_module("edgewright.pipeline.build")


def wrong_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the reference say something else than the code does."""
    right = Interpreter.run

    def run(self: Interpreter, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {k: v + np.ones_like(v) for k, v in right(self, *args, **kwargs).items()}

    monkeypatch.setattr(Interpreter, "run", run)


def test_a_difference_fails_the_build(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong_outputs(monkeypatch)
    with pytest.raises((VerificationFailed, Problems)) as caught:
        ew.build(model, out=tmp_path / "p")
    assert caught.value.status == 1
    text = str(caught.value)
    assert "differs from the reference" in text
    assert "differs from ONNX Runtime" in text
    assert list(tmp_path.iterdir()) == []


def test_a_failed_build_leaves_the_old_package(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ew.build(model, out=tmp_path / "p")
    before = (tmp_path / "p" / "manifest.json").read_bytes()
    with monkeypatch.context() as patch:
        wrong_outputs(patch)
        with pytest.raises((VerificationFailed, Problems)):
            ew.build(model, out=tmp_path / "p")
    assert (tmp_path / "p" / "manifest.json").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["p"]


def test_a_comparison_that_could_not_be_made_is_noted(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OracleError("no oracle today")

    monkeypatch.setattr(build_module(), "prove_source", refuse)
    package = ew.build(model, out=tmp_path / "p")
    assert package.manifest.oracles == ()
    assert "not compared with the source: no oracle today" in package.manifest.proof_notes


def test_verify_says_when_the_model_is_another(built: Package, examples: Path) -> None:
    with pytest.raises(InvalidOption, match="is not the model"):
        ew.verify(built, against=examples / "models" / "digits_float.onnx")


def test_manifest_lists_every_file_with_its_hash(built: Package) -> None:
    names = {
        p.relative_to(built.folder).as_posix()
        for p in built.folder.rglob("*")
        if p.is_file() and p.name not in ("manifest.json", "verdict.json")
    }
    assert set(built.manifest.files) == names
    built.check_files()


def test_no_path_or_time_is_in_a_package(built: Package) -> None:
    for path in built.folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert str(built.folder.parent).encode() not in data, path
            assert b"/root/" not in data, path
            assert b"/work/" not in data, path


def test_options_are_checked(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="requantization is 'fast'"):
        ew.load_model(model, requantization="fast")
    with pytest.raises(InvalidOption, match="no target 'toaster'"):
        ew.build(model, ["toaster"], tmp_path / "p")
    path = tmp_path / MODEL
    path.write_bytes(model.read_bytes())
    path.with_suffix(".toml").write_text("[[inputs]]\nname = 'nobody'\n")
    with pytest.raises(InvalidContract, match="nobody"):
        ew.load_model(path)


def test_summary_counts_transposes_that_move_data(model: Path) -> None:
    raw = ew.load_model(model, optimize=False)
    found = summarize(ew.load_model(model))
    assert found.transposes.source == count_transposes(raw.module) > 0
    assert found.transposes.inside == 0
    assert found.arena_bytes >= found.lower_bound > 0


def test_files_are_assigned_by_name_or_order(built: Package, tmp_path: Path) -> None:
    (info,) = built.inputs
    file = tmp_path / "x.npy"
    file.touch()
    assert assign_files(built, [str(file)]) == {info.name: file}
    assert assign_files(built, [f"{info.identifier}={file}"]) == {info.name: file}
    with pytest.raises(InvalidInput, match="is missing"):
        assign_files(built, [])
    with pytest.raises(Problems):
        assign_files(built, ["nobody=x.npy"])


def test_the_manifest_does_not_depend_on_the_cpu(
    built: Package, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CPU with fewer levels, or none of the runtimes, leaves its mark in the verdict only."""
    monkeypatch.setattr(NativeModel, "levels_here", lambda self: list(self.info.levels[:1]))
    older = ew.build(model, out=tmp_path / "p")
    assert len(older.manifest.targets["host"].verdicts) == 1
    assert len(built.manifest.targets["host"].verdicts) > 1
    for path in built.folder.rglob("*"):
        if path.is_file() and path.name != "verdict.json":
            same = (tmp_path / "p" / path.relative_to(built.folder)).read_bytes()
            assert same == path.read_bytes(), path.name


def test_a_package_without_its_verdict_still_runs(built: Package, tmp_path: Path) -> None:
    shutil.copytree(built.folder, tmp_path / "p")
    (tmp_path / "p" / "verdict.json").unlink()
    assert ew.verify(tmp_path / "p").good


def test_size_goes_before_speed_where_asked(tmp_path: Path) -> None:
    """A layer that Winograd's form suits: its weights are eight times as large otherwise."""
    rng = np.random.default_rng(0)
    w = rng.standard_normal((32, 32, 3, 3)).astype(np.float32)
    text = "g (float[1,32,16,16] x) => (float[1,32,16,16] y) { y = Conv <pads=[1,1,1,1]> (x, w) }"
    proto = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]>\n{text}')
    proto.graph.initializer.append(onnx.numpy_helper.from_array(w, "w"))
    onnx.save(proto, str(tmp_path / "m.onnx"))
    fast = ew.build(tmp_path / "m.onnx", out=tmp_path / "fast").manifest
    small = ew.build(tmp_path / "m.onnx", out=tmp_path / "small", optimize="size").manifest
    bytes_of = [m.targets["host"].memory.weights_bytes for m in (fast, small)]
    assert bytes_of[0] - bytes_of[1] == w.nbytes * (16 - 9) // 9
    assert (fast.optimize, small.optimize) == ("speed", "size")
    assert "conv_winograd" not in (tmp_path / "small/targets/host/model.c").read_text()


def test_optimize_is_speed_or_size(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="must be speed or size"):
        ew.build(model, out=tmp_path / "p", optimize="tiny")  # type: ignore[arg-type]
    assert not (tmp_path / "p").exists()
