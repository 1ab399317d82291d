"""Operators that move data, against LiteRT."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgewright.errors import UnsupportedModel
from edgewright.graph import Quant
from tests.exporters.tflite.harness import (
    check_op,
    codes,
    codes_of,
    floats,
    int8,
    quantised_type,
)
from tests.ops.harness import Operand, const, quantised

INTEGERS = np.arange(30).reshape(5, 6)
CASES: list[tuple[str, list[Any], dict[str, Any], list[str]]] = [
    ("reshape", [floats(2, 6)], {"shape": (3, 4)}, ["RESHAPE"]),
    ("reshape", [floats(1)], {"shape": ()}, ["RESHAPE"]),
    ("transpose", [floats(2, 3, 4, 5)], {"perm": (0, 3, 1, 2)}, ["TRANSPOSE"]),
    ("transpose", [floats(2, 1, 3, 4, 5, 2)], {"perm": (0, 3, 1, 2, 5, 4)}, ["TRANSPOSE"]),
    ("expand", [floats(1, 4)], {"shape": (3, 4)}, ["BROADCAST_TO"]),
    ("expand", [floats(4) > 0], {"shape": (3, 4)}, ["BROADCAST_TO"]),
    ("tile", [int8(2, 3)], {"repeats": (2, 3)}, ["TILE"]),
    ("concat", [floats(2, 3), floats(2, 4)], {"axis": 1}, ["CONCATENATION"]),
    (
        "concat",
        [floats(2, 3, 5), floats(2, 4, 5)],
        {"axis": 1, "perm": (2, 0, 1)},
        ["CONCATENATION", "TRANSPOSE"],
    ),
    ("split", [floats(2, 6)], {"axis": 1, "sizes": (2, 2, 2)}, ["SPLIT"]),
    ("split", [INTEGERS], {"axis": 1, "sizes": (1, 2, 3)}, ["SPLIT_V"]),
    ("slice", [INTEGERS], {"begin": (1, 2), "size": (3, 3), "stride": (1, 1)}, ["SLICE"]),
    ("slice", [INTEGERS], {"begin": (4, 1), "size": (5, 2), "stride": (-1, 3)}, ["STRIDED_SLICE"]),
    ("slice", [INTEGERS], {"begin": (4, 5), "size": (2, 3), "stride": (-2, -2)}, ["STRIDED_SLICE"]),
    ("gather", [floats(5, 6), np.array([1, 0, 4])], {"axis": 0}, ["GATHER"]),
    ("gather", [floats(5, 6), const(np.array([-1, 0, 4]))], {"axis": 1}, ["GATHER"]),
    (
        "gather",
        [floats(2, 5, 6), np.array([[1, 0], [2, 2]])],
        {"axis": 1, "batch_dims": 1},
        ["GATHER"],
    ),
    ("gather_nd", [floats(5, 6), np.array([[1, 2], [0, 3]])], {}, ["GATHER_ND"]),
    (
        "space_to_batch",
        [floats(1, 4, 6, 3)],
        {"block": (2, 2), "pads": ((0, 0), (0, 2))},
        ["SPACE_TO_BATCH_ND"],
    ),
    (
        "batch_to_space",
        [floats(4, 2, 4, 3)],
        {"block": (2, 2), "crops": ((0, 0), (0, 2))},
        ["BATCH_TO_SPACE_ND"],
    ),
    ("depth_to_space", [floats(1, 2, 3, 24)], {"block": 2, "mode": "dcr"}, ["DEPTH_TO_SPACE"]),
    (
        "depth_to_space",
        [floats(1, 2, 3, 24)],
        {"block": 2, "mode": "crd"},
        ["GATHER", "DEPTH_TO_SPACE"],
    ),
    ("depth_to_space", [floats(1, 2, 3, 4)], {"block": 2, "mode": "crd"}, ["DEPTH_TO_SPACE"]),
    (
        "space_to_depth",
        [int8(1, 4, 6, 6)],
        {"block": 2, "mode": "crd"},
        ["SPACE_TO_DEPTH", "GATHER"],
    ),
    ("shape", [floats(3, 4)], {}, ["SHAPE"]),
]


@pytest.mark.parametrize(("op", "operands", "attrs", "expected"), CASES)
def test_movement(op: str, operands: list[Any], attrs: dict[str, Any], expected: list[str]) -> None:
    assert codes(check_op(op, operands, exact=True, **attrs)) == expected


@pytest.mark.parametrize("mode", ["constant", "reflect", "symmetric", "edge", "wrap"])
def test_pad(mode: str) -> None:
    pads = ((0, 0), (1, 2), (2, 1), (0, 0))
    for x in (floats(1, 5, 6, 3), int8(1, 5, 6, 3)):
        check_op("pad", [x], exact=True, pads=pads, mode=mode)


def test_pad_with_a_value() -> None:
    pads = ((1, 1), (0, 2))
    assert codes(check_op("pad", [floats(5, 6)], pads=pads, value=1.5)) == ["PADV2"]
    check_op("pad", [int8(5, 6)], exact=True, pads=pads, value=1.5)


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_parts_of_another_scale_are_requantised_before_they_are_concatenated(mode: str) -> None:
    operands = [int8(2, 3, scale=0.06, zero=3), int8(2, 4, scale=0.03)]
    model = check_op("concat", operands, quantised_type((2, 7)), mode, axis=1)
    assert codes(model) == ["QUANTIZE", "CONCATENATION"]


def test_unsigned_parts_are_concatenated_as_they_are() -> None:
    operands = [quantised(codes_of("uint8", 2, n), 0.01 * n, n) for n in (3, 4)]
    outputs = quantised_type((2, 7), 0.05, 9, "uint8")
    assert codes(check_op("concat", operands, outputs, exact=True, axis=1)) == ["CONCATENATION"]


def test_a_slice_of_six_axes_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match="a slice of 6 axes"):
        check_op("slice", [floats(1, 1, 1, 1, 2, 2)], begin=(0,) * 6, size=(1,) * 6,
                 stride=(1,) * 6)  # fmt: skip


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_lookup(dtype: str) -> None:
    quant = Quant.per_tensor(0.05, 3)
    table = const(codes_of("uint8", 2, 256), Quant.per_tensor(0.1, 7))
    x = Operand(codes_of(dtype, 3, 40), quant)
    check_op("lookup", [x, table], exact=True)
