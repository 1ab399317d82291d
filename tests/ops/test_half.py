"""Layers whose weights are stored in 16 bits: every kernel form, against the reference."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.ops import harness
from tests.ops.harness import Array, check_module, const, one_node

from edgewright import ops, targets
from edgewright.codegen import generate
from edgewright.graph import DType, Graph, Module
from edgewright.ops import half_winograd, storage
from edgewright.ops.conv import Conv
from edgewright.passes.precision import Narrowing, store_weights

Case = tuple[str, Sequence[Any], dict[str, Any]]


def drawn(rng: np.random.Generator, *shape: int) -> Array:
    return rng.standard_normal(shape).astype(np.float32)


def check(cases: Sequence[Case], precision: str, target: str | None = None) -> None:
    """Every case in one library, its weights narrowed."""
    from tests.ops.harness import _merge

    whole, inputs = Graph("main"), {}
    for number, (op, operands, attrs) in enumerate(cases):
        part, arrays = one_node(op, operands, **attrs)
        _merge(whole, part.main, f"n{number}.")
        inputs.update({f"n{number}.{name}": array for name, array in arrays.items()})
    module = Module({"main": whole})
    assert store_weights(module, Narrowing(precision)) >= len(cases)
    check_module(module, [inputs], target=target)


def product(rng: np.random.Generator, rows: int, depth: int, columns: int) -> Case:
    operands = [drawn(rng, rows, depth), const(drawn(rng, columns, depth)),
                const(drawn(rng, columns))]  # fmt: skip
    return "fully_connected", operands, {}


def conv(rng: np.random.Generator, channels: int, outputs: int, kernel: int, groups: int = 1,
         **attrs: Any) -> Case:  # fmt: skip
    x = drawn(rng, 1, 7, 6, channels * groups)
    w = drawn(rng, outputs * groups, kernel, kernel, channels)
    side = kernel // 2
    given = {"pad": ((side, side), (side, side)), "groups": groups, **attrs}
    return "conv", [x, const(w), const(drawn(rng, outputs * groups))], given


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_products(precision: str) -> None:
    rng = np.random.default_rng(0)
    shapes = [
        (1, 1, 1),
        (1, 33, 70),
        (1, 5, 16),
        (2, 17, 17),
        (7, 4, 15),
        (13, 40, 33),
        (30, 3, 64),
    ]
    check([product(rng, *shape) for shape in shapes], precision)


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_convolutions(precision: str) -> None:
    rng = np.random.default_rng(1)
    cases = [
        conv(rng, 3, 17, 3),  # windows of few channels are gathered
        conv(rng, 16, 40, 3, clamp=(0.0, 6.0)),
        conv(rng, 20, 16, 1),
        conv(rng, 32, 5, 3, stride=(2, 2)),
        conv(rng, 4, 6, 3, groups=3),
        ("conv", [drawn(rng, 1, 5, 5, 18), const(drawn(rng, 34, 1, 1, 18)), None,
                  drawn(rng, 1, 5, 5, 34)], {}),
        ("depthwise_conv", [drawn(rng, 1, 6, 5, 19), const(drawn(rng, 3, 3, 19)),
                            const(drawn(rng, 19))], {"pad": ((1, 1), (1, 1))}),
    ]  # fmt: skip
    check(cases, precision)


@pytest.fixture
def bfloat16_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the harness build for the levels of CPUs that multiply bfloat16, too."""
    monkeypatch.setattr(harness, "_target", lambda name: targets.with_bfloat16(targets.get(name)))


def test_arithmetic_in_bfloat16(bfloat16_levels: None) -> None:
    rng = np.random.default_rng(2)
    shapes = [(8, 16, 16), (13, 40, 33), (30, 18, 64), (25, 256, 100), (9, 34, 200)]
    cases = [
        *(product(rng, *shape) for shape in shapes),
        conv(rng, 16, 40, 3, clamp=(0.0, 6.0)),
        conv(rng, 20, 16, 1),
        conv(rng, 32, 17, 3, stride=(2, 2)),
        conv(rng, 18, 20, 3, groups=3),
        ("conv", [drawn(rng, 1, 5, 5, 18), const(drawn(rng, 34, 1, 1, 18)), None,
                  drawn(rng, 1, 5, 5, 34)], {}),
    ]  # fmt: skip
    check(cases, "bfloat16-math")


def test_levels_with_fused_sums_have_equal_bits(bfloat16_levels: None, tmp_path: Path) -> None:
    """vdpbf16ps rounds after each product, the upper one's first: so does the code without it."""
    op, operands, attrs = conv(np.random.default_rng(3), 32, 48, 3)
    module, inputs = one_node(op, operands, **attrs)
    store_weights(module, Narrowing("bfloat16-math"))
    assert [node.op for node in module.main.nodes] == ["cast", "conv"]
    code = generate(module, targets.with_bfloat16(targets.get("host")), "test")
    model, found = harness.load(code, module, tmp_path), set()
    for level in model.levels_here():
        model.use_level(level)
        if level != "scalar":
            found.add(model.run(inputs)["y0"].tobytes())
    assert len(found) == 1


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_winograd(precision: str) -> None:
    """Large images: the weights are transformed first."""
    rng = np.random.default_rng(3)
    w = drawn(rng, 32, 3, 3, 16) / np.float32(12)
    operands: list[Any] = [
        drawn(rng, 1, 12, 13, 16),
        const(w),
        const(drawn(rng, 32)),
        drawn(rng, 1, 12, 13, 32),
    ]
    part, _ = one_node("conv", operands, pad=((1, 1), (1, 1)))
    (node,) = part.main.nodes
    op = ops.of(node)
    assert isinstance(op, Conv)
    assert half_winograd.wins(node, op, targets.get("host"))
    check([("conv", operands, {"pad": ((1, 1), (1, 1))})], precision)


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_lstm(precision: str) -> None:
    rng = np.random.default_rng(2)
    cases: list[Case] = []
    for inputs, units in ((5, 19), (2, 16)):
        weights = [const(drawn(rng, 4 * units, n) / np.float32(n)) for n in (inputs, units)]
        cases.append(("lstm", [drawn(rng, 3, 2, inputs), *weights, const(drawn(rng, 4 * units))],
                      {}))  # fmt: skip
    check(cases, precision)


def test_float16_by_bits_keeps_denormals() -> None:
    """On a target that has no instruction for it; 2**-24 is the smallest float16."""
    w = (np.arange(-8, 8) * 2.0**-24).astype(np.float32).reshape(16, 1)
    case: Case = ("fully_connected", [np.array([[2.0**24]], np.float32), const(w)], {})
    check([case], "float16", target="generic-c")


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, -3.25, 65504.0, 2.0**-24, -1.5 * 2.0**-20])
def test_float16_round_trip(value: float) -> None:
    array = np.array([value], np.float32)
    held = storage.narrowed(array, DType.FLOAT16)
    assert storage.widened(held, DType.FLOAT16).tobytes() == array.tobytes()


def test_bfloat16_rounds_half_to_even() -> None:
    array = np.array([1 + 2**-8, 1 + 3 * 2**-8, -(1 + 2**-8), np.inf], np.float32)
    held = storage.narrowed(array, DType.BFLOAT16)
    wanted = np.array([1, 1 + 2**-6, -1, np.inf], np.float32)
    assert storage.widened(held, DType.BFLOAT16).tobytes() == wanted.tobytes()
    nan = storage.narrowed(np.array([np.nan], np.float32), DType.BFLOAT16)
    assert np.isnan(storage.widened(nan, DType.BFLOAT16))[0]
