"""The ES module as its users meet it in Node.js: inputs, state, entry points, loading, threads."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from edgewright import targets
from edgewright.artifact.products.web_module import size_text
from edgewright.graph import Symbol, parse_module
from edgewright.pipeline.files import write_target

SCRIPT = Path(__file__).with_name("script.mjs")
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs nodejs")

SUMS = """
module requantization="float"
dim h: 1..8
graph main(%"the input": float32[1,h,3]) -> (%y) {
  const %w: float32[1,3] = [1.0, 10.0, 100.0]
  %y: float32[1,h,1] = fully_connected(%"the input", %w, none)
}
"""
COUNTER = """
module requantization="float"
state %s: float32[1] = [10.0]
graph main(%x: float32[1]) -> (%y) {
  %r: float32[1] = read_state() {state="s"}
  %y: float32[1] = add(%r, %x)
  write_state(%y) {state="s"}
}
"""
TWO = """
module requantization="float"
graph main(%x: int8[3]<0.5:1>) -> (%y) {
  %y: int8[3]<0.5:1> = abs(%x)
}
graph second(%x: int8[3]<0.5:1>) -> (%y) {
  %y: int8[3]<0.25:-3> = quantize(%x)
}
"""


def build(text: str, folder: Path, target: str = "web") -> Path:
    place = folder / target
    module = parse_module(text)
    write_target(module, targets.get(target), "test", place, None, {"model": {"name": "<b>&"}})
    return place / "test.js"


def play(module: Path, part: str) -> Any:
    done = subprocess.run(
        ["node", str(SCRIPT), str(module), part],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("target", ["web", "web-threads"])
def test_inputs_are_checked_before_anything_runs(tmp_path: Path, target: str) -> None:
    seen = play(build(SUMS.replace("the input", "x"), tmp_path, target), "inputs")
    assert seen["described"] == ["test", target, {"h": [1, 8]}, [1, 2, 3]]
    assert seen["sum"] == seen["again"] == [321, 654]
    wanted = "give a Float32Array of 6 elements [1,2,3]"
    assert seen["missing"] == f"ModelError: input x is missing: {wanted}"
    assert seen["extra"] == "ModelError: there is no input z: the inputs are x"
    assert seen["none"] == "ModelError: inputs must be an object: x"
    assert seen["kind"] == f"ModelError: input x is a Int8Array: {wanted}"
    assert seen["plain"].startswith("ModelError: input x is a Array: give a Float32Array of 3")
    assert seen["short"] == f"ModelError: input x has 5 elements: {wanted}"
    assert seen["sizes"] == "ModelError: the size h must be given, 1 to 8; got 9"
    assert seen["nosizes"] == "ModelError: the size h must be given, 1 to 8; got undefined"
    assert seen["disposed"] == "ModelError: the model was disposed of"


def test_the_author_s_names_are_known(tmp_path: Path) -> None:
    module = build(SUMS, tmp_path)
    assert "the_input: Float32Array;" in module.with_suffix(".d.ts").read_text()
    text = SUMS.replace("the input", "the.input")
    script = (
        f"const {{ load }} = await import('file://{build(text, tmp_path / 'b')}');"
        "const m = await load(); const x = new Float32Array(3).fill(1);"
        "const run = (inputs) => m.run(inputs, { h: 1 }).y[0];"
        "console.log(run({ 'the.input': x }) + run({ the_input: x }))"
    )
    command = ["node", "--input-type=module", "-e", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "222\n", done.stderr


@pytest.mark.parametrize("target", ["web", "web-threads"])
def test_state_stays_until_it_is_reset(tmp_path: Path, target: str) -> None:
    seen = play(build(COUNTER, tmp_path, target), "state")
    assert seen["seen"] == [11, 12, 13, 11, 11]
    assert seen["threads"] == (1 if target == "web-threads" else None)


def test_every_entry_point_can_be_called(tmp_path: Path) -> None:
    seen = play(build(TWO, tmp_path), "entries")
    assert seen["names"] == ["main", "second"]
    assert seen["first"] == [10, 22, 30]
    assert seen["second"] == [15, -45, 55]
    assert seen["quant"] == [{"scale": 0.5, "zero": 1}, {"scale": 0.25, "zero": -3}]


def test_code_and_weights_come_from_anywhere(tmp_path: Path) -> None:
    seen = play(build(SUMS.replace("the input", "x"), tmp_path), "loading")
    assert seen["progress"] == [seen["size"], seen["size"]]
    assert (seen["ran"], seen["module"]) == (1, 1)
    assert seen["damaged"] == "ModelError: the weights are damaged: their checksum differs"
    foreign = "ModelError: the weights belong to another model, or are cut short (error 4)"
    assert seen["foreign"] == seen["cut"] == seen["long"] == foreign
    assert seen["absent"].startswith("Error: ENOENT")


def test_calls_of_threads_do_not_mix(tmp_path: Path) -> None:
    seen = play(build(SUMS.replace("the input", "x"), tmp_path, "web-threads"), "threads")
    assert seen["threads"] == 3
    assert seen["sums"] == list(range(20))
    assert seen["many"] == "ModelError: threads must be 1 to 8; got 99"


def test_the_page_shows_a_title_and_no_markup_of_others(tmp_path: Path) -> None:
    page = (build(SUMS, tmp_path).parent / "index.html").read_text()
    assert "<h1>&lt;b&gt;&amp;</h1>" in page
    assert "http://" not in page
    assert "https://" not in page


def test_nothing_trained_is_in_the_code(tmp_path: Path) -> None:
    first, second = build(SUMS, tmp_path / "a"), build(SUMS.replace("100.0", "7.0"), tmp_path / "b")
    for name in ("test.js", "test.wasm", "test.d.ts"):
        assert (first.parent / name).read_bytes() == (second.parent / name).read_bytes()


def test_sizes_are_javascript() -> None:
    h, w = Symbol("h", 1, 9), Symbol("w", 1, 9)
    assert size_text(5) == "5"
    assert size_text(h) == "d.h"
    assert size_text((h + 1) // 2) == "Math.floor((1 * d.h + 1) / 2)"
    assert size_text(h * w * 3 - 2) == "(3 * d.h * d.w + -2)"
