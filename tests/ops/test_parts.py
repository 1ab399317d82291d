"""Operators that threads share by rows: the same bytes as whole ones, in any order of the parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.ops.harness import const, quantised
from tests.ops.test_parallel import PAD, Case, check_bits, floats, opened, small, whole
from tests.ops.test_tree_ensemble import random_case

from edgewright import targets
from edgewright.codegen import generate
from edgewright.graph import DType, Quant, TensorType
from edgewright.ops import parts

CHUNKS = 3


def byte(*shape: int, scale: float = 0.05, zero: int = 3) -> Any:
    return quantised(small(np.int8, *shape), scale, zero)


def forest(prefix: str) -> Case:
    """A random one, for 6001 rows: more than a few trees are walked for."""
    (op, operands, attrs), made = random_case(4, prefix)
    return op, [made.samples(6001), *operands[1:]], attrs


def result(*shape: int, dtype: DType = DType.INT8, scale: float = 0.1) -> dict[str, Any]:
    return {"outputs": [TensorType(dtype, shape, Quant.per_tensor(scale, -2))]}


FLOATS: list[Case] = [
    ("gelu", [floats(1, 5, 37, 113)], {}),  # one vector: what is left over is with the last part
    ("silu", [floats(9, 4096)], {}),
    ("add", [floats(1, 29, 31, 33), floats(1, 29, 31, 33)], {}),
    ("mul", [floats(1, 29, 31, 33), floats(1, 1, 1, 33)], {}),
    ("div", [floats(2, 6, 40, 48), const(np.array(8, np.float32))], {}),
    ("sub", [const(floats(70, 1)), floats(5, 1, 160)], {}),  # one has no such axis
    ("softmax", [floats(1, 6, 41, 77)], {}),
    ("log_softmax", [floats(250, 70)], {}),
    ("layer_norm", [floats(1, 128, 131), const(floats(131)), const(floats(131))], {}),
    ("matmul", [floats(1, 7, 40, 33), floats(1, 7, 33, 41)], {}),
    ("matmul", [floats(110, 65), floats(65, 70)], {}),
    ("select", [np.arange(20000).reshape(40, 500) % 3 == 0, floats(40, 500),
                floats(500)], {}),
    ("transpose", [floats(1, 60, 6, 64)], {"perm": (0, 2, 1, 3)}),
    ("transpose", [floats(1, 60, 6, 64)], {"perm": (0, 2, 3, 1)}),
    ("transpose", [floats(1, 3, 77, 81)], {"perm": (0, 2, 3, 1)}),
    ("concat", [floats(1, 20, 21, 40), floats(1, 20, 21, 33)], {"axis": 3}),
    ("slice", [floats(90, 300)], {"begin": (3, 7), "size": (80, 211), "stride": (1, 1)}),
    ("max_pool", [floats(1, 37, 29, 20)], {"kernel": (3, 3), "stride": (2, 2), "pad": PAD}),
    forest("target"),
    forest("class"),
    ("avg_pool", [floats(1, 23, 29, 20)], {"kernel": (3, 3), "pad": PAD}),
]  # fmt: skip
BYTES: list[Case] = [
    ("add", [byte(1, 31, 37, 40), byte(1, 31, 37, 40, scale=0.03)], result(1, 31, 37, 40)),
    ("mul", [byte(1, 41, 43, 24), byte(1, 1, 1, 24)], result(1, 41, 43, 24)),
    ("sigmoid", [byte(1, 41, 43, 24)], result(1, 41, 43, 24)),
    ("softmax", [byte(1, 6, 71, 83)], result(1, 6, 71, 83)),
    ("matmul", [byte(5, 40, 36), byte(5, 36, 41)], result(5, 40, 41)),
    ("quantize", [floats(1, 23, 1001)], result(1, 23, 1001)),
    ("dequantize", [byte(1, 23, 1001)], {}),
    ("max_pool", [byte(1, 61, 29, 20)], {"kernel": (3, 3), "pad": PAD}),
    ("avg_pool", [byte(1, 61, 59, 20)], {"kernel": (3, 3), "stride": (2, 1), "pad": PAD}),
    ("concat", [byte(1, 40, 41, 40), byte(1, 40, 41, 33, scale=0.07)],
     {"axis": 3, **result(1, 40, 41, 73)}),
    ("cast", [small(np.int8, 13, 3001)], {"to": "float32"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "cases"),
    [
        ("float", FLOATS + BYTES),
        pytest.param("fixed", [*BYTES[:1], *BYTES[3:6]], marks=pytest.mark.slow),
    ],
)
def test_bit_equal_to_whole_operators(mode: str, cases: list[Case], tmp_path: Path) -> None:
    """At every level, with the parts in both orders."""
    module, inputs = whole(cases, mode)
    _, plain = opened(module, 1, tmp_path / "plain")
    code, cut = opened(module, CHUNKS, tmp_path / "cut")
    joined = sum(len(node.inputs) - 1 for node in module.main.nodes if node.op == "concat")
    assert code.model_c.count("ew_parallel_parts(env, ") == len(module.main.nodes) + joined
    check_bits(plain, cut, inputs)


def test_small_operators_stay_whole() -> None:
    """Dividing them would take longer than they do; so would it without threads."""
    several, alone = (targets.with_threads([targets.get("host")], n)[0] for n in (4, 1))
    module, _ = whole([("gelu", [floats(1, 1000)], {})], "float")
    assert "ew_parallel" not in generate(module, several, "test").model_c
    module, _ = whole([("gelu", [floats(1, 100_000)], {})], "float")
    assert "ew_parallel" in generate(module, several, "test").model_c
    assert "ew_parallel" not in generate(module, alone, "test").model_c


def test_leading_axes_are_divided_together() -> None:
    """So that six heads of 41 rows are 246 rows, not 6."""
    (target,) = targets.with_threads([targets.get("host")], 4)
    module, _ = whole([FLOATS[6], FLOATS[9], FLOATS[10]], "float")
    softmax, batches, rows = module.main.nodes
    assert parts.division(softmax, target) == parts.Division(6 * 41, (True,))
    assert parts.division(batches, target) == parts.Division(7, (True, True))
    assert parts.division(rows, target) == parts.Division(110, (True, False))


def test_scratch_of_each_part_is_its_own() -> None:
    """An 8-bit product packs its second matrix for each part."""
    module, _ = whole([BYTES[4]], "float")
    (node,) = module.main.nodes
    (target,) = targets.with_threads([targets.get("host")], CHUNKS)
    assert parts.scratch(node, target, 100) == CHUNKS * 128
    assert parts.scratch(node, targets.get("host"), 100) == 100
