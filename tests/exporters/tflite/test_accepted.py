"""Types that the runtime would refuse are refused before; all others run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgewright.errors import UnsupportedModel
from tests.exporters.tflite.harness import check_op

CASES: list[tuple[str, dict[str, Any]]] = [
    ("split", {"axis": 3, "sizes": (4, 4)}),
    ("split", {"axis": 3, "sizes": (3, 5)}),
    ("pad", {"pads": ((0, 0), (1, 1), (0, 0), (0, 0))}),
    ("pad", {"pads": ((0, 0), (1, 1), (0, 0), (0, 0)), "value": 3.0}),
    ("pad", {"pads": ((0, 0), (1, 1), (0, 0), (0, 0)), "mode": "reflect"}),
    ("tile", {"repeats": (1, 2, 1, 1)}),
    ("expand", {"shape": (2, 4, 6, 8)}),
    ("depth_to_space", {"block": 2}),
    ("space_to_depth", {"block": 2}),
    ("space_to_batch", {"block": (2, 2), "pads": ((0, 0), (0, 0))}),
    ("argmax", {"axis": 3}),
    ("max_pool", {}),
    ("gather", {"axis": 2}),
    ("gather_nd", {}),
    ("transpose", {"perm": (0, 3, 1, 2)}),
    ("concat", {"axis": 1}),
    ("slice", {"begin": (0, 1, 2, 0), "size": (1, 2, 2, 8), "stride": (1, 1, 2, 1)}),
    ("slice", {"begin": (0, 1, 2, 0), "size": (1, 2, 2, 8), "stride": (1, 1, 1, 1)}),
    ("resize_nearest", {"size": (8, 12), "coordinate": "asymmetric", "rounding": "floor"}),
    ("reduce_max", {"axes": (1,)}),
    ("reduce_mean", {"axes": (1,)}),
    ("reduce_sum", {"axes": (1,)}),
    ("matmul", {}),
]
DTYPES = ("int8", "uint8", "int16", "int32", "int64", "bool", "float64", "uint32")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("op", "attrs"), CASES)
def test_it_runs_or_is_refused(op: str, attrs: dict[str, Any], dtype: str) -> None:
    x = np.random.default_rng(2).integers(0, 2 if dtype == "bool" else 9, (1, 4, 6, 8))
    operands = [x.astype(dtype)]
    if op == "gather":
        operands.append(np.array([1, 0]))
    if op == "gather_nd":
        operands.append(np.array([[0, 1]]))
    if op == "concat":
        operands.append(operands[0])
    if op == "matmul":
        operands.append(np.ascontiguousarray(operands[0].transpose(0, 1, 3, 2)))
    if dtype in ("bool", "uint32") and (op in ("argmax", "matmul", "max_pool") or "reduce" in op):
        return  # without a meaning in the IR
    try:
        check_op(op, operands, exact=True, **attrs)
    except UnsupportedModel as error:
        assert f"{op} as .tflite" in str(error)


@pytest.mark.parametrize(
    ("op", "dtype"), [("split", "bool"), ("argmax", "int64"), ("matmul", "int32")]
)
def test_the_refusal_names_operator_and_type(op: str, dtype: str) -> None:
    x = np.ones((1, 2, 2, 2), dtype)
    operands, attrs = {
        "split": ([x], {"axis": 3, "sizes": (1, 1)}),
        "argmax": ([x], {"axis": 3}),
        "matmul": ([x, x], {}),
    }[op]
    with pytest.raises(UnsupportedModel, match=rf"{op} as .tflite: {dtype}\[1,2,2,2\] in "):
        check_op(op, operands, **attrs)  # type: ignore[arg-type]
