"""Generated code: what a person reads, and what must never be in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import edgewright as ew
from edgewright import ops, targets
from edgewright.codegen import generate
from edgewright.graph import parse_module

HOST = targets.get("host")
SMALL = """module requantization="float"
graph main(%x: float32[1,4]) -> (%s) {
  const %w: float32[3,4] = [[0.5, 1.5, -2.5, 3.5], [0.25, 1.25, -2.25, 3.25], [1.0, 2.0, 3.0, 4.0]]
  const %b: float32[3] = [0.125, -0.625, 7.75]
  %y = fully_connected(%x, %w, %b) {clamp=[0.0, inf]}
  %s = softmax(%y) {beta=1.0}
}
"""


def body(model_c: str) -> str:
    """The part that belongs to this model: between the kernels and what asks the CPU."""
    start = model_c.index("/* ======== ")
    return model_c[start : model_c.index("/* ---- detect_", start)]


def test_model_c(golden: Callable[..., None]) -> None:
    code = generate(parse_module(SMALL, infer=ops.infer), HOST, "small")
    golden(body(code.model_c), suffix=".c")


def test_model_h(golden: Callable[..., None]) -> None:
    header = generate(parse_module(SMALL, infer=ops.infer), HOST, "small").model_h
    text, found = re.subn(r"(_LAYOUT_HASH 0x)[0-9a-f]{16}ull", r"\1...", header)
    assert found == 1  # it is another one whenever a kernel changes
    golden(text, suffix=".h")


def test_no_trained_number_is_in_the_code() -> None:
    other = SMALL.replace("0.5, 1.5", "9.5, 8.5").replace("7.75", "6.75")
    one, two = (generate(parse_module(t, infer=ops.infer), HOST, "net") for t in (SMALL, other))
    assert one.model_c == two.model_c
    assert one.model_h == two.model_h
    assert one.weights != two.weights
    for number in ("1.5f", "0.625", "7.75", "3.25"):
        assert number not in body(one.model_c)


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("name", ["digits_float", "digits_int8"])
def test_code_has_no_calls_that_hide_memory(examples: Path, name: str, mode: str) -> None:
    model = ew.load_model(examples / "models" / f"{name}.onnx", requantization=mode)
    code = generate(model.module, HOST, name)
    text = re.sub(r"/\*.*?\*/", "", code.model_c, flags=re.DOTALL)
    assert not re.search(r"\b(malloc|calloc|realloc|free|alloca|printf|abort|exit)\s*\(", text)
    included = set(re.findall(r"#include\s*[<\"]([^>\"]+)", text))
    vendors = {"immintrin.h", "arm_neon.h", "arm_mve.h", "arm_acle.h", "wasm_simd128.h"}
    assert included <= {"model.h", "stddef.h", "stdint.h", *vendors}


def test_generating_twice_gives_the_same_bytes(examples: Path) -> None:
    model = ew.load_model(examples / "models" / "digits_int8.onnx")
    one, two = (generate(model.module, HOST, "n") for _ in range(2))
    assert (one.model_c, one.model_h, one.weights) == (two.model_c, two.model_h, two.weights)


def test_trained_arrays_reach_the_weights_file() -> None:
    code = generate(parse_module(SMALL, infer=ops.infer), HOST, "small")
    floats = np.frombuffer(code.weights[: len(code.weights) // 4 * 4], "<f4")
    for number in (0.5, -2.25, 4.0, 0.125, 7.75):
        assert np.float32(number) in floats
