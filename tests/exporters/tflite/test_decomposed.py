"""Functions that are written as several operators equal the reference in LiteRT."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgewright.exporters.tflite.rule import rules
from tests.exporters.tflite.harness import check_op, codes, floats, int8, quantised_type
from tests.ops.harness import const

CASES: list[tuple[str, dict[str, Any]]] = [
    ("reciprocal", {}),
    ("silu", {}),
    ("mish", {}),
    ("softplus", {}),
    ("softsign", {}),
    ("erf", {}),
    ("hard_sigmoid", {}),
    ("hard_sigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    ("elu", {}),
    ("elu", {"alpha": 0.7}),
    ("selu", {}),
]
#: ELU has no reference kernel
NO_REFERENCE = ("elu", "selu")


@pytest.mark.parametrize(("op", "attrs"), CASES)
def test_in_float(op: str, attrs: dict[str, Any]) -> None:
    extremes = np.array([-90.0, -20.0, 20.5, 30.0, 80.0], np.float32)
    x = np.concatenate([floats(50), extremes if op != "reciprocal" else extremes + 200])
    check_op(op, [x], **attrs)


@pytest.mark.parametrize(("op", "attrs"), CASES)
@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_on_int8(op: str, attrs: dict[str, Any], mode: str) -> None:
    if mode == "fixed" and op in NO_REFERENCE:
        return
    x = int8(3, 40) if op != "reciprocal" else int8(3, 40, zero=-128)
    if op == "reciprocal":
        x.array[x.array == -128] = 0
    check_op(op, [x], quantised_type((3, 40)), mode, **attrs)


def test_silu_stays_quantised() -> None:
    assert codes(check_op("silu", [int8(3, 4)], quantised_type((3, 4)))) == ["LOGISTIC", "MUL"]


def test_what_is_no_number_of_the_ir_is_known() -> None:
    assert {op for op, _ in CASES} <= set(rules())


def test_layer_norm() -> None:
    check_op("layer_norm", [floats(2, 5, 6), const(floats(6)), const(floats(6))], epsilon=1e-3)
