"""Sizes: arithmetic on expressions is arithmetic on what they evaluate to."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.graph import Dim, Size, Symbol, evaluate, product, upper
from edgewright.graph.parse import parse_size
from tests.graph.strategies import BINARY, SYMBOLS, environments, sizes

H, W, T = SYMBOLS
KNOWN = {s.name: s for s in SYMBOLS}


@given(st.sampled_from(BINARY), sizes(), sizes(), environments())
def test_arithmetic_commutes_with_evaluation(f: Any, a: Size, b: Size, env: dict[str, int]) -> None:
    assert evaluate(f(a, b), env) == f(evaluate(a, env), evaluate(b, env))


@given(sizes(), st.integers(1, 9), environments())
def test_division_rounds_down(a: Size, b: int, env: dict[str, int]) -> None:
    assert evaluate(a // b, env) == evaluate(a, env) // b
    assert evaluate(-a, env) == -evaluate(a, env)


@given(sizes(), sizes(), sizes())
def test_laws_hold_on_the_expressions_themselves(a: Size, b: Size, c: Size) -> None:
    """Shapes are compared as expressions, so equal sums must be the same sum."""
    assert a + b == b + a
    assert a * b == b * a
    assert (a + b) + c == a + (b + c)
    assert a * (b + c) == a * b + a * c
    assert a - a == 0
    assert hash(a + b) == hash(b + a)


@given(sizes(), environments())
def test_bounds_are_sound(a: Size, env: dict[str, int]) -> None:
    low, high = a.bounds() if isinstance(a, Dim) else (a, a)
    assert low <= evaluate(a, env) <= high
    assert upper(a) == high


@given(sizes())
def test_text_reads_back(a: Size) -> None:
    assert parse_size(str(a), KNOWN) == a


@given(sizes())
def test_symbols_are_those_it_depends_on(a: Size) -> None:
    if isinstance(a, Dim):
        assert a.symbols() <= set(SYMBOLS)
        assert a.symbols()
        assert isinstance(a.evaluate({s.name: s.high for s in a.symbols()}), int)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (H - H, 0),
        (H * 0, 0),
        (2 * H - H, H),
        ((4 * H + 5) // 4, H + 1),
        ((4 * H - 1) // 4, H - 1),
        ((6 * H) // 1, 6 * H),
        (H + 0, H),
        (H * W - W * H + 7, 7),
        (5 - (2 + H) + H, 3),
        (product((H, 2, W)), 2 * H * W),
        (product(()), 1),
    ],
)
def test_simplification(made: Size, expected: Size) -> None:
    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (H, "h"),
        (2 * H + 1, "(2*h + 1)"),
        (-H, "(- h)"),
        ((H - 1) // 2 + 1, "(((h - 1) // 2) + 1)"),
        ((H + 1) // 2 * W, "(((h + 1) // 2)*w)"),
    ],
)
def test_text(made: Size, text: str) -> None:
    assert str(made) == text


def test_bounds_of_a_named_size() -> None:
    assert Symbol("n", 64, 512).bounds() == (64, 512)
    assert (7 - 2 * H).bounds() == (7 - 18, 5)  # type: ignore[union-attr]


@pytest.mark.parametrize("divisor", [0, -3])
def test_only_positive_divisors(divisor: int) -> None:
    with pytest.raises(ValueError, match=f"divided by {divisor}"):
        H // divisor
