"""Node.js, Chromium and wasmtime as runners: run-time sizes, refused inputs, dead browsers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgewright import targets
from edgewright.artifact.remote import RemoteModel
from edgewright.artifact.runners import chromium
from edgewright.errors import InternalError, InvalidInput
from edgewright.graph import parse_module
from edgewright.pipeline.files import entry_infos, write_target

MODEL = """
module requantization="float"
dim h: 1..8
graph main(%x: float32[1,h,3], %i: int32[2]) -> (%y, %z) {
  const %w: float32[1,3] = [1.0, 10.0, 100.0]
  const %table: int8[3] = [5, 6, 7]
  %y: float32[1,h,1] = fully_connected(%x, %w, none)
  %z: int8[2] = gather(%table, %i) {axis=0}
}
"""
STATEFUL = """
module requantization="float"
state %s: int32[1] = [10]
graph main() -> (%y) {
  const %one: int32[1] = [1]
  %r: int32[1] = read_state() {state="s"}
  %y: int32[1] = add(%r, %one)
  write_state(%y) {state="s"}
}
"""
RUNNERS = {runner.kind: runner for runner in targets.get("web").runners}


@pytest.fixture(params=["node", "chromium", "wasmtime"])
def runner(request: pytest.FixtureRequest) -> targets.Runner:
    found = RUNNERS[request.param]
    if found.missing:
        pytest.skip(f"needs {', '.join(found.missing)}")
    return found


def open_model(text: str, folder: Path, runner: targets.Runner) -> RemoteModel:
    target = targets.get("web")
    code, info = write_target(parse_module(text), target, "test", folder / "web", None, {})
    return RemoteModel(folder / "web", code.name, info, entry_infos(code)[0], target, runner)


def test_samples_of_several_sizes_and_dtypes(tmp_path: Path, runner: targets.Runner) -> None:
    model = open_model(MODEL, tmp_path, runner)
    given = [
        {"x": np.arange(3 * h, dtype=np.float32).reshape(1, h, 3), "i": np.array(i, np.int32)}
        for h, i in ((1, [2, 0]), (8, [-1, 1]))
    ]
    first, last = model.run_all(given)
    assert first["y"].tolist() == [[[210]]]
    assert first["z"].tolist() == [7, 5]
    assert last["y"].ravel().tolist() == [210 + 333 * i for i in range(8)]
    assert last["z"].tolist() == [7, 6]


def test_a_refused_input_is_the_user_s_error(tmp_path: Path, runner: targets.Runner) -> None:
    model = open_model(MODEL, tmp_path, runner)
    inputs = {"x": np.zeros((1, 1, 3), np.float32), "i": np.array([0, 9], np.int32)}
    with pytest.raises(InvalidInput, match=r"refused the input \(error 7\)"):
        model.run(inputs)


def test_a_model_without_inputs_keeps_its_state(tmp_path: Path, runner: targets.Runner) -> None:
    model = open_model(STATEFUL, tmp_path, runner)
    assert [answer["y"].tolist() for answer in model.run_all([{}, {}, {}])] == [[11], [12], [13]]


def test_a_damaged_module_is_an_error(tmp_path: Path, runner: targets.Runner) -> None:
    model = open_model(STATEFUL, tmp_path, runner)
    (tmp_path / "web/test.wasm").write_bytes(b"\0asm\1\0\0\0")
    with pytest.raises(InternalError, match="the program that runs the model failed"):
        model.run({})


def test_wasmtime_counts_the_same_every_time(tmp_path: Path) -> None:
    pytest.importorskip("wasmtime")
    model = open_model(MODEL, tmp_path, RUNNERS["wasmtime"])
    inputs = {"x": np.zeros((1, 2, 3), np.float32), "i": np.array([0, 1], np.int32)}
    counts = []
    for samples in (1, 1, 2):
        model.run_all([inputs] * samples, count=True)
        assert model.instructions is not None
        counts.append(model.instructions)
    assert counts == [counts[0], counts[0], 2 * counts[0]]
    assert 50 < counts[0] < 5000


def test_a_browser_that_ends_is_an_error(tmp_path: Path) -> None:
    model = open_model(STATEFUL, tmp_path, replace(RUNNERS["chromium"], program="true"))
    with pytest.raises(InternalError, match="the browser ended with status 0"):
        model.run({})


def test_a_browser_that_is_silent_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium, "TIMEOUT_S", 1)
    program = tmp_path / "silent"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    model = open_model(STATEFUL, tmp_path, replace(RUNNERS["chromium"], program=str(program)))
    with pytest.raises(InternalError, match="did not answer within 1 s"):
        model.run({})
