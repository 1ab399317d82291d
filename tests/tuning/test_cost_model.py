"""Rows of register tiles by modelled cycles."""

import numpy as np
import pytest
from tests.ops.harness import const, one_node, quantised
from tests.tuning.test_cycles import needs_mca

from edgewright import targets, toolchain
from edgewright.graph import DType, Quant, TensorType
from edgewright.tuning import cost_model
from edgewright.tuning.cost_model import Kernel, Product
from edgewright.tuning.record import LayerTuning

ARM64 = targets.get("linux-arm64")


def loops(full: float, half: float, row: float, cpu: str = "a") -> list[Kernel]:
    """The kernels of a CPU: cycles of a step."""
    each = {"full": full, "half": half, "row_4": row}
    return [Kernel(f"ew_tile_f32_{n}", "neon", cpu, 64, c, 1.0, 1) for n, c in each.items()]


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        (12, 16, 2 * 6.0),
        (13, 16, 2 * 6.0 + 4.0),  # a last row
        (15, 17, 2 * (2 * 6.0 + 3.0)),  # half a tile, two blocks of columns
        (16, 16, 3 * 6.0),
        (1, 65, 2 * 4.0),  # four blocks at once
    ],
)
def test_a_cost_counts_what_is_left_over(rows: int, columns: int, expected: float) -> None:
    held = {"full": 6.0, "half": 3.0, "row_4": 4.0}
    own = {n: Kernel(n, "neon", "a", 64, c, 1.0, 1) for n, c in held.items()}
    found = cost_model.cost(Product(rows, columns, depth=10, count=2), 6, own)
    assert found == pytest.approx(expected * 10 * 2)


def test_rows_that_divide_what_there_is_win() -> None:
    found = {6: loops(6, 3, 4), 5: loops(5, 2, 4), 4: loops(4, 2, 4)}
    assert cost_model.decide("tile_f32", [Product(12, 64, 8)], found).chosen == "rows=6"
    few = cost_model.decide("tile_f32", [Product(5, 64, 8)], found)
    assert (few.chosen, few.default) == ("rows=5", "rows=6")
    assert few.cycles["rows=5"] < few.cycles["rows=6"]


def test_a_small_gain_changes_nothing() -> None:
    found = {6: loops(6, 3, 4), 5: loops(4.95, 2, 4)}
    assert cost_model.decide("tile_f32", [Product(30, 64, 8)], found).chosen == "rows=6"


def test_all_cpus_count_alike() -> None:
    """One is ten times as slow, and 1 % better with other rows; the other one 30 % worse."""
    found = {
        6: [*loops(60, 30, 40, "slow"), *loops(6, 3, 4, "fast")],
        5: [*loops(49.5, 20, 40, "slow"), *loops(6.5, 2, 4, "fast")],
    }
    assert cost_model.decide("tile_f32", [Product(30, 64, 8)], found).chosen == "rows=6"


def test_the_products_of_a_net() -> None:
    x = np.zeros((1, 8, 8, 32), np.float32)
    w = const(np.zeros((48, 3, 3, 32), np.float32))
    module, _ = one_node("conv", [x, w], pad=((1, 1), (1, 1)))
    assert cost_model.products(module, ARM64) == {"tile_f32": [Product(16, 48, 32, 16)]}
    out = TensorType(DType.INT8, (3, 7), Quant.per_tensor(1.0, 0))
    weights = const(np.zeros((7, 9), np.int8), Quant.per_tensor(0.1, 0))
    operands = [quantised(np.zeros((3, 9), np.int8), 0.1), weights]
    module, _ = one_node("fully_connected", operands, [out])
    assert cost_model.products(module, ARM64) == {"tile_q8": [Product(3, 7, 9)]}


def test_a_key_depends_on_the_shapes() -> None:
    one, two = [Product(3, 7, 9)], [Product(3, 7, 8)]
    assert cost_model.key("tile_q8", one) != cost_model.key("tile_q8", two)
    assert cost_model.key("tile_q8", one).startswith("tile_q8 of 1 layers ")


def test_what_is_not_the_default_becomes_a_macro() -> None:
    layers = {
        "tile_f32 of 3 layers 00": LayerTuning(chosen="rows=5", default="rows=6"),
        "tile_q8 of 3 layers 00": LayerTuning(chosen="rows=6", default="rows=6"),
        "conv_f32 shape": LayerTuning(chosen="direct", default="winograd"),
    }
    assert cost_model.macros(layers) == ("EW_F32_ROWS 5",)


@needs_mca
@pytest.mark.parametrize("kind", ["tile_f32", "tile_q8"])
def test_the_kernels_of_other_rows_are_compiled(kind: str) -> None:
    compiler = toolchain.find_compiler(ARM64)
    found = cost_model.kernels(kind, 4, ARM64, compiler, ["cortex-a55"])
    assert [kernel.name for kernel in found] == [
        f"ew_{kind}_{n}" for n in ("full", "half", "row_4")
    ]
    full, half, row = found
    assert full.macs == 16 * 4 * full.steps
    assert half.macs == 16 * 2 * half.steps
    assert row.macs == 16 * 4 * row.steps
    assert all(kernel.cycles >= kernel.bound for kernel in found)
