"""kernels/math.h: the errors it states, in units of the last place, on every ISA level."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.ops.harness import load, one_node

from edgewright import numerics as nx
from edgewright import targets
from edgewright.codegen import generate

F32 = np.float32
Array = npt.NDArray[Any]
#: function -> what it computes and its largest error in ulp, as stated in math.h
STATED: dict[str, tuple[Callable[[Array], Array], float]] = {
    "exp": (nx.exp, 2),
    "log": (nx.log, 2),
    "tanh": (nx.tanh, 3),
    "sigmoid": (nx.sigmoid, 3),
    "erf": (nx.erf, 3),
    "sin": (nx.sin, 1),
    "cos": (nx.cos, 1),
    "rsqrt": (nx.rsqrt, 2),
    "sqrt": (nx.sqrt, 0.5),
    "floor": (np.floor, 0),
    "ceil": (np.ceil, 0),
    "round": (np.rint, 0),
    "reciprocal": (lambda x: 1.0 / x, 0.5),
}
#: function -> the error that is stated for it where that is more
TINY = {"sigmoid": 2.0**-125}


def arguments(rng: np.random.Generator) -> Array:
    """Values of every magnitude, denormals too, then those around which functions bend."""
    bits = rng.integers(0, 2**32, 6000, dtype=np.uint32).view(F32)
    near = [rng.normal(0, scale, 6000) for scale in (0.3, 1, 5, 60)]
    return np.concatenate([bits[np.isfinite(bits)], *near]).astype(F32)


def ulps(actual: Array, wanted: Array, tiny: float = 0.0) -> Array:
    """Errors in units of the last place of the wanted value; 0 where both are NaN or infinite.

    Errors of less than `tiny` are none.
    """
    with np.errstate(all="ignore"):
        nearest = wanted.astype(F32)
        error = np.abs(actual.astype(np.float64) - wanted)
        same = (actual == nearest) | (np.isnan(actual) & np.isnan(nearest)) | (error < tiny)
        error = error / np.spacing(np.abs(nearest))
    return np.where(same, 0.0, np.where(np.isnan(error), np.inf, error))


@pytest.mark.parametrize("name", sorted(STATED))
def test_errors_are_as_stated(name: str, rng: np.random.Generator) -> None:
    meaning, limit = STATED[name]
    x = arguments(rng)
    if name in ("sin", "cos"):
        x = x[np.abs(x) <= 2**28]
    with np.errstate(all="ignore"):
        wanted = meaning(x.astype(np.float64))
    for actual in at_every_level(name, [x]):
        worst = ulps(actual, wanted, TINY.get(name, 0.0))
        place = int(worst.argmax())
        assert worst[place] <= limit, f"{name}({x[place]!r}) is {actual[place]!r}"


def test_powers_are_as_stated(rng: np.random.Generator) -> None:
    wide = 2 ** rng.uniform(-120, 120, 4000)
    x = np.concatenate([rng.uniform(0, 20, 4000), wide, -np.arange(1, 9)])
    y = np.concatenate([rng.uniform(-20, 20, 4000), rng.uniform(-1, 1, 4000), np.arange(-4, 4)])
    x, y = x.astype(F32), y.astype(F32)
    with np.errstate(all="ignore"):
        wanted = nx.power(x.astype(np.float64), y.astype(np.float64))
    for actual in at_every_level("pow", [x, y]):
        assert ulps(actual, wanted).max() <= 1


def test_gelu_is_as_stated(rng: np.random.Generator) -> None:
    x = np.concatenate([rng.normal(0, scale, 4000) for scale in (0.3, 1, 3, 30)]).astype(F32)
    wide = x.astype(np.float64)
    wanted = 0.5 * wide * (1 + nx.erf(wide * np.sqrt(0.5)))
    for actual in at_every_level("gelu", [x]):
        assert np.max(np.abs(actual - wanted) / np.abs(wide)) < 2e-7


def at_every_level(op: str, operands: list[Array]) -> list[Array]:
    """What the C answers at each ISA level."""
    module, inputs = one_node(op, operands)
    with tempfile.TemporaryDirectory() as folder:
        code = generate(module, targets.get("host"), "test")
        model = load(code, module, Path(folder))
        answers = []
        for level in model.levels_here():
            model.use_level(level)
            answers.append(next(iter(model.run(inputs).values())).copy())
    return answers
