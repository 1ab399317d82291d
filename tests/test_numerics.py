"""The mathematics of numerics.py: right, and the same bits on every CPU."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest

from edgewright import numerics

SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 1e300, -1e300, 1e-310]
UNARY = {  # name -> (lowest, highest) of the interval the accuracy test draws from
    "acos": (-1, 1), "acosh": (1, 50), "asin": (-1, 1), "asinh": (-30, 30), "atan": (-30, 30),
    "atanh": (-1, 1), "cos": (-30, 30), "cosh": (-30, 30), "erf": (-5, 5), "exp": (-700, 700),
    "expm1": (-30, 30), "log": (1e-3, 50), "log1p": (-0.99, 3), "log2": (1e-3, 50),
    "sin": (-30, 30), "sinh": (-30, 30), "sqrt": (0, 50), "tan": (-30, 30), "tanh": (-5, 5),
}  # fmt: skip

PROGRAM = f"""
import hashlib, numpy as np
from edgewright import numerics as n
rng = np.random.default_rng(7)
a, b = rng.normal(size=(33, 517)) * 1e3, rng.normal(size=(517, 29)).astype(np.float32)
x = np.concatenate([rng.normal(size=2000) * 20, rng.uniform(-1, 1, 500)])
parts = [n.matmul(a, b), n.matmul(a[0], b), n.sum(a), n.sum(a, 0), n.mean(a, 1)]
with np.errstate(all="ignore"):
    names = {sorted(UNARY)!r} + ["rsqrt", "sigmoid", "softplus"]
    parts += [np.nan_to_num(getattr(n, name)(x)) for name in names]
parts.append(n.power(np.abs(x), 0.3))
print(hashlib.sha256(b"".join(p.tobytes() for p in parts)).hexdigest())
"""


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def run_program(**environment: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def test_same_bits_whatever_the_cpu() -> None:
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    names = " ".join(found)
    old = run_program(NPY_DISABLE_CPU_FEATURES=names, OPENBLAS_CORETYPE="Nehalem")
    assert len(old) == 64
    assert old == run_program(OPENBLAS_CORETYPE="Haswell", OPENBLAS_NUM_THREADS="2")
    assert old == run_program(OPENBLAS_NUM_THREADS="1")


@pytest.mark.parametrize("name", sorted(UNARY))
def test_functions_are_accurate(name: str, rng: np.random.Generator) -> None:
    x = rng.uniform(*UNARY[name], 500)
    expected = [getattr(math, name)(value) for value in x]
    np.testing.assert_allclose(getattr(numerics, name)(x), expected, rtol=3e-15)


@pytest.mark.parametrize("name", sorted(set(UNARY) - {"sinh", "cosh"}))
def test_special_values_follow_numpy(name: str) -> None:
    if name == "erf":
        expected = [math.erf(value) for value in SPECIAL]
    else:
        with np.errstate(all="ignore"):
            expected = getattr(np, {"acos": "arccos", "acosh": "arccosh", "asin": "arcsin",
                "asinh": "arcsinh", "atan": "arctan", "atanh": "arctanh"}.get(name, name))(
                np.array(SPECIAL))  # fmt: skip
    np.testing.assert_allclose(getattr(numerics, name)(SPECIAL), expected, rtol=1e-14, atol=1e-15)


def test_sigmoid_softplus_and_rsqrt() -> None:
    x = np.array([-800.0, -40.0, -1.0, 0.0, 1.0, 40.0, 800.0])
    tiny = math.exp(-40.0)
    expected = [0.0, tiny, 1 / (1 + math.e), 0.5, math.e / (1 + math.e), 1.0, 1.0]
    np.testing.assert_allclose(numerics.sigmoid(x), expected, rtol=1e-15)
    softplus = [
        0.0,
        tiny,
        math.log1p(math.exp(-1)),
        math.log(2),
        1 + math.log1p(math.exp(-1)),
        40,
        800,
    ]
    np.testing.assert_allclose(numerics.softplus(x), softplus, rtol=1e-15)
    np.testing.assert_array_equal(numerics.rsqrt([4.0, 0.0, math.inf]), [0.5, math.inf, 0.0])


def test_power_follows_ieee() -> None:
    pairs = [(2, 10), (-2, 3), (-2, -3), (0, 0), (0, -1), (-8, 1 / 3), (2.5, 2.2), (math.inf, -1),
        (-1, math.inf), (1, math.nan), (math.nan, 0), (0.25, 0.5), (-0.5, 101)]  # fmt: skip
    x, y = np.array(pairs, np.float64).T
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(numerics.power(x, y), np.power(x, y), rtol=2e-13)


@pytest.mark.parametrize("terms", [1, 9, 512, 20000])
def test_matmul_is_close(terms: int, rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(7, terms)) * 1e20, rng.normal(size=(terms, 5)) * 1e-30
    bound = np.abs(a).max(1)[:, None] * np.abs(b).max(0) * terms * 1e-13 + 1e-300
    exact = np.array([[math.fsum(r * c) for c in b.T] for r in a])
    assert (np.abs(numerics.matmul(a, b) - exact) <= bound + np.abs(exact) * 1e-15).all()


def test_matmul_shapes_and_specials(rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(2, 3, 4)), rng.normal(size=(4, 5))
    for left, right in (
        (a, b),
        (a[0, 0], b),
        (a, b[:, 0]),
        (a[0, 0], b[:, 0]),
        (a[0, :, :0], b[:0]),
    ):
        np.testing.assert_allclose(numerics.matmul(left, right), np.matmul(left, right), rtol=1e-11)
    a[1, 2, 3], b[0, 0] = np.inf, np.nan
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(numerics.matmul(a, b), np.matmul(a, b), rtol=1e-11)


@pytest.mark.parametrize(("low", "high"), [(-128, 128), (-32768, 32768), (-(2**31), 2**31)])
def test_matmul_int_is_exact(low: int, high: int, rng: np.random.Generator) -> None:
    a, b = rng.integers(low, high, (6, 3000)), rng.integers(low, high, (3000, 4))
    expected = a @ b
    np.testing.assert_array_equal(numerics.matmul_int(a, b), expected)
    np.testing.assert_array_equal(numerics.matmul_int(a, b, np.int32), expected.astype(np.int32))


def test_sum_and_mean(rng: np.random.Generator) -> None:
    x = rng.normal(size=(3, 5, 7))
    for axis in (None, 0, -1, (0, 2)):
        np.testing.assert_allclose(numerics.sum(x, axis), x.sum(axis), rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(
            numerics.mean(x, axis, True), x.mean(axis, keepdims=True), rtol=1e-12
        )
    assert numerics.sum(np.zeros((0, 3)), 0).tolist() == [0, 0, 0]
    assert math.isnan(numerics.mean(np.zeros(0)))


@pytest.mark.parametrize("x", [1e22, 1e300, 2.0**20 + 0.5, -3e9])
def test_large_angles(x: float) -> None:
    np.testing.assert_allclose(numerics.sin(x), math.sin(x), rtol=1e-15)
    np.testing.assert_allclose(numerics.cos([x]), [math.cos(x)], rtol=1e-15)
