"""cast: every pair of dtypes; rounding, saturation, NaN; float16 over all its values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tests.ops.harness import check_op, check_ops, one_node
from tests.ops.onnx_node import onnx_node

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import DType, Node, TensorType

DTYPES = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float16",
          "float32", "float64")  # fmt: skip
FLOATS = ("float16", "float32", "float64")
HARD = [0.0, -0.0, 0.5, -0.5, 1.5, -1.5, 126.99, 127.5, 128, -128.9, -129, 255.7, 256, 32767.5,
        32768, -32769, 65504, 65519, 65520, 2**31 - 1, 2**31, -(2.0**31), 2**32, 2**63, -(2.0**63),
        1e-8, 6e-8, 1e-5, 1e30, -1e30, 3e38, np.inf, -np.inf, np.nan]  # fmt: skip


def samples(dtype: str, rng: np.random.Generator) -> np.ndarray:
    if dtype in FLOATS:
        with np.errstate(over="ignore"):
            return np.array([*HARD, *rng.normal(size=30) * 100]).astype(dtype)
    if dtype == "bool":
        return rng.integers(0, 2, 37).astype(np.bool_)
    info = np.iinfo(dtype)
    return np.append(rng.integers(info.min, info.max, 37, dtype=dtype, endpoint=True),
                     np.array([info.min, info.max, 0, 1], dtype))  # fmt: skip


@pytest.mark.parametrize("to", DTYPES)
def test_c_of_every_pair(rng: np.random.Generator, to: str) -> None:
    check_ops([("cast", [samples(source, rng)], {"to": to}) for source in DTYPES], tolerance=0.0)


def test_references_are_onnx_runtimes_in_range(rng: np.random.Generator) -> None:
    for source, to in itertools.product(DTYPES, DTYPES):
        x = rng.integers(0, 100, 20).astype(source)
        if source in FLOATS:
            x = x + np.array(0.75, source)
        wanted = onnx_node("Cast", [x], to=int(_onnx(to)))[0]
        ours = ops.of(Node("cast", [], [], {"to": to})).reference(_call(source, to, x.shape), x)
        np.testing.assert_array_equal(ours, wanted)


def _onnx(dtype: str) -> int:
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def _call(source: str, to: str, shape: tuple[int, ...]) -> ops.Call:
    return ops.Call([TensorType(DType(source), shape)], [TensorType(DType(to), shape)])


def test_every_float16_there_and_back() -> None:
    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    (wide,) = check_op("cast", [halves], to="float32", tolerance=0.0)
    numbers = wide[~np.isnan(wide)]
    (back,) = check_op("cast", [numbers], to="float16", tolerance=0.0)
    np.testing.assert_array_equal(back.view(np.uint16), halves[~np.isnan(wide)].view(np.uint16))


def test_bfloat16_rounds_to_even() -> None:
    node = ops.of(Node("cast", [], [], {"to": "bfloat16"}))
    x = np.array(
        [0x3F808000, 0x3F818000, 0x3F808001, 0x7F7FFFFF, 0x7F800001, 0xFF800000], np.uint32
    )
    y = node.reference(_call("float32", "bfloat16", x.shape), x.view(np.float32))
    assert [hex(v) for v in y] == ["0x3f80", "0x3f82", "0x3f81", "0x7f80", "0x7fc0", "0xff80"]


def test_unknown_dtypes_are_an_error() -> None:
    with pytest.raises(InvalidGraph, match="no dtype"):
        one_node("cast", [np.zeros(2)], to="float8")
    with pytest.raises(InvalidGraph, match="cast from"):
        one_node("cast", [np.zeros(2)], to="int4")
