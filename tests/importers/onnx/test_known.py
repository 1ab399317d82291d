from typing import Any

import numpy as np
import pytest

from edgewright.graph import Node, Symbol, TensorType, Value
from edgewright.graph.types import DType
from edgewright.importers.onnx import known
from tests.importers.onnx.harness import Array

H = Symbol("h", 4, 64)


def sizes(*elements: Any) -> Array:
    held = np.empty(len(elements), object)
    held[:] = elements
    return held


def evaluate(op: Any, *operands: Any, dtype: Any = DType.INT64, **attrs: Any) -> list[str] | None:
    """The result over operands that are lists of known sizes."""
    values = [Value(f"v{i}", TensorType(dtype, (len(o),))) for i, o in enumerate(operands)]
    node = Node(op, list(values), [], attrs)
    found = known.evaluate(node, {v: sizes(*o) for v, o in zip(values, operands, strict=True)})
    return None if found is None else [str(e) for e in found[0]]


@pytest.mark.parametrize(
    ("op", "operands", "attrs", "expected"),
    [
        ("add", ([H, 1], [2, 3]), {}, ["(h + 2)", "4"]),
        ("mul", ([H], [2]), {}, ["2*h"]),
        ("div", ([H * 4], [2]), {}, ["2*h"]),
        ("concat", ([H], [1, 2]), {"axis": 0}, ["h", "1", "2"]),
        ("slice", ([1, H, 3],), {"begin": (2,), "size": (2,), "stride": (-1,)}, ["3", "h"]),
        ("maximum", ([H, 1], [2, 5]), {}, ["h", "5"]),
        ("minimum", ([H], [100]), {}, ["h"]),
        ("reduce_prod", ([H, 3],), {"axes": (0,), "keepdims": True}, ["3*h"]),
    ],
)
def test_arithmetic(op: str, operands: Any, attrs: dict[str, Any], expected: Any) -> None:
    assert evaluate(op, *operands, **attrs) == expected


@pytest.mark.parametrize(
    ("op", "operands"),
    [
        ("maximum", ([H], [10])),  # depends on the run
        ("equal", ([H], [10])),
        ("div", ([10], [H])),
        ("softmax", ([H],)),
    ],
)
def test_what_is_not_known_stays_unknown(op: str, operands: Any) -> None:
    assert evaluate(op, *operands) is None


def test_a_size_never_equals_what_is_out_of_its_bounds() -> None:
    assert evaluate("equal", [H, H, 3], [-1, H, 3]) == ["False", "True", "True"]


def test_a_division_of_floats_is_known_only_when_it_is_whole() -> None:
    assert evaluate("div", [H * 2], [2], dtype=DType.FLOAT32) == ["h"]
    assert evaluate("div", [H], [2], dtype=DType.FLOAT32) is None


def test_plain_constants_are_left_to_the_references() -> None:
    value = Value("c", TensorType(DType.INT64, (1,)), data=np.array([3]))
    assert known.evaluate(Node("neg", [value], []), {}) is None
