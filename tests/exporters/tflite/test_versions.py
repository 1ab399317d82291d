"""Operator versions as TensorFlow publishes them, and the oldest runtime."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import edgewright.exporters.tflite as package
from edgewright.exporters.tflite import export
from edgewright.exporters.tflite.versions import _SPECIAL, BY_TYPE, RELEASES, minimum_runtime
from edgewright.graph import Quant
from tests.exporters.tflite.harness import check_op, codes_of, floats, int8, quantised_type
from tests.ops.harness import const, one_node

W = const(floats(6, 3, 3, 4))
W8 = const(codes_of("int8", 6, 3, 3, 4), Quant((0.01,), (0,)))


def version(op: str, *arguments: object, **attrs: object) -> int:
    return check_op(op, *arguments, **attrs).subgraphs[0].operators[-1].version  # type: ignore[arg-type]


def test_the_lowest_that_has_what_is_used() -> None:
    x = floats(1, 9, 9, 4)
    assert version("conv", [x, W, None]) == 1
    assert version("conv", [int8(1, 9, 9, 4), W8, None], quantised_type((1, 7, 7, 6), 0.4)) == 3
    assert version("depthwise_conv", [x, const(floats(3, 3, 4)), None]) == 1
    assert version("depthwise_conv", [x, const(floats(3, 3, 4)), None], dilation=(2, 2)) == 2
    assert version("fully_connected", [floats(2, 4), const(floats(3, 4)), None]) == 1
    assert version("fully_connected", [floats(2, 2, 4), const(floats(3, 4)), None]) == 5
    assert version("resize_bilinear", [x], size=(4, 4), coordinate="align_corners") == 1
    assert version("resize_bilinear", [x], size=(4, 4), coordinate="half_pixel") == 3
    assert version("resize_nearest", [x], size=(18, 18), coordinate="asymmetric") == 1
    assert version("transpose", [floats(1, 2, 3, 4, 5)], perm=(4, 3, 2, 1, 0)) == 4
    assert version("mul", [int8(4, scale=1.0), int8(4)], quantised_type((4,), 0.01)) == 3
    assert version("mul", [int8(4), int8(4)], quantised_type((4,), 0.05)) == 2


@pytest.mark.parametrize(
    ("op", "expected"),
    [("abs", "TFLite 1.13"), ("gelu", "TFLite 2.9"), ("hard_swish", "TFLite 1.15")],
)
def test_the_oldest_runtime(op: str, expected: str) -> None:
    module, _ = one_node(op, [floats(3)])
    assert export(module).minimum == expected


def test_scales_per_channel_in_a_matrix_need_a_new_runtime_although_no_version_says_so() -> None:
    scales = Quant((0.01, 0.02, 0.03), (0,) * 3, 0)
    weight = const(codes_of("int8", 3, 4), scales)
    module, _ = one_node("fully_connected", [int8(2, 4), weight, None], quantised_type((2, 3)))
    assert export(module).minimum == "TFLite 2.17"


def test_nothing_needs_no_new_runtime() -> None:
    assert minimum_runtime([]) == "TFLite 1.5"


def test_every_operator_that_a_rule_writes_has_its_releases() -> None:
    text = "".join(p.read_text() for p in Path(package.__file__).parent.glob("*.py"))
    written = set(
        re.findall(r'(?:add|add_clamped|step|of|end|Operator)\(\s*"([A-Z][A-Z0-9_]+)"', text)
    )
    assert len(written) > 40
    assert written | set(BY_TYPE) | set(_SPECIAL) <= set(RELEASES)


def test_every_version_has_a_release() -> None:
    for code, by_type in BY_TYPE.items():
        assert max(by_type.values()) <= len(RELEASES[code].split()), code
    assert np.all([r.count(".") in (1, 2) for text in RELEASES.values() for r in text.split()])
