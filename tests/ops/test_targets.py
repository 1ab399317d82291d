"""The operators that take most of a model's time, on other CPUs; `--target` runs all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import Operand, check_ops, const, quantised

from edgewright import targets
from edgewright.graph import DType, Quant, TensorType

CROSS = ("linux-arm64", "linux-armv7", "linux-riscv64", "web")
SAME = ((1, 1), (1, 1))


@pytest.fixture(params=CROSS)
def target(request: pytest.FixtureRequest) -> str:
    """Each target whose emulator is installed."""
    found = targets.get(request.param)
    if missing := targets.available(found).missing:
        pytest.skip(f"needs {', '.join(missing)}")
    return found.name


def float_cases(rng: np.random.Generator) -> list[tuple[str, list[Any], dict[str, Any]]]:
    """Channel counts and depths around the lanes; a NaN, and infinities."""

    def some(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        return rng.normal(size=shape).astype(np.float32)

    x = some(1, 6, 7, 19)
    odd = some(2, 17)
    odd[0, :3] = np.inf, -np.inf, 3e38
    return [
        ("conv", [x, const(some(33, 3, 3, 19)), const(some(33))], {"pad": SAME, "clamp": (0, 6)}),
        ("conv", [x, const(some(5, 1, 1, 19)), None], {}),
        ("depthwise_conv", [x, const(some(3, 3, 19)), const(some(19))], {"pad": SAME}),
        ("depthwise_conv", [x, const(some(3, 3, 38)), None], {"stride": (2, 2)}),
        ("fully_connected", [odd[1:], const(some(70, 17)), const(some(70))], {}),
        ("matmul", [some(2, 5, 9), some(2, 9, 21)], {}),
        ("max_pool", [x], {"kernel": (3, 2), "stride": (2, 2), "pad": SAME}),
        ("avg_pool", [x], {"kernel": (2, 2), "stride": (2, 2), "pad": ((0, 0), (0, 0))}),
        ("softmax", [some(3, 21) * 10], {}),
        ("add", [odd, odd[::-1].copy()], {"clamp": (0.0, 6.0)}),
        ("tanh", [odd], {}),
    ]


def integer_cases(
    rng: np.random.Generator, dtype: type[np.integer[Any]]
) -> list[tuple[str, list[Any], dict[str, Any]]]:
    """The same for 8 bits, all values of the type among the inputs."""
    held = DType.of(np.dtype(dtype))
    limits = np.iinfo(dtype)

    def some(*shape: int) -> Operand:
        values = rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        return quantised(values, 0.02, int(values.flat[0]))

    def weights(*shape: int, axis: int = 0) -> Operand:
        values = rng.integers(-127, 127, shape, np.int8, endpoint=True)
        scales = tuple(float(np.float32(s)) for s in rng.uniform(0.001, 0.01, shape[axis]))
        if dtype is np.uint8:
            return const(values.view(np.uint8), Quant.per_tensor(0.004, 121))
        return const(values, Quant(scales, (0,) * shape[axis], axis))

    def bias(n: int) -> Operand:
        return const(rng.integers(-9999, 9999, n, np.int32))

    def out(*shape: int) -> dict[str, Any]:
        return {"outputs": [TensorType(held, shape, Quant.per_tensor(0.1, 3))]}

    x = some(1, 6, 7, 19)
    assert x.quant is not None
    same = {"outputs": [TensorType(held, (1, 3, 4, 19), x.quant)]}
    soft = {"outputs": [TensorType(held, (3, 21), Quant.per_tensor(1 / 256, limits.min))]}
    return [
        ("conv", [x, weights(33, 3, 3, 19), bias(33)], {"pad": SAME, **out(1, 6, 7, 33)}),
        ("conv", [x, weights(5, 1, 1, 19), bias(5)], out(1, 6, 7, 5)),
        ("depthwise_conv", [x, weights(3, 3, 19, axis=2), bias(19)],
         {"pad": SAME, **out(1, 6, 7, 19)}),
        ("depthwise_conv", [x, weights(3, 3, 38, axis=2), bias(38)],
         {"stride": (2, 2), **out(1, 2, 3, 38)}),
        ("fully_connected", [some(1, 33), weights(70, 33), bias(70)], out(1, 70)),
        ("matmul", [some(2, 5, 9), some(2, 9, 21)], out(2, 5, 21)),
        ("max_pool", [x], {"kernel": (3, 2), "stride": (2, 2), "pad": SAME, **same}),
        ("avg_pool", [x], {"kernel": (3, 2), "stride": (2, 2), "pad": SAME, **same}),
        ("softmax", [some(3, 21)], soft),
        ("add", [some(2, 17), some(2, 17)], out(2, 17)),
    ]  # fmt: skip


def test_float(target: str, rng: np.random.Generator) -> None:
    """Within the operators' bounds at every level of the target."""
    check_ops(float_cases(rng), target=target)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_integers(
    target: str, mode: str, dtype: type[np.integer[Any]], rng: np.random.Generator
) -> None:
    """Bit for bit at every level of the target, in both modes."""
    check_ops(integer_cases(rng, dtype), requantization=mode, target=target)
