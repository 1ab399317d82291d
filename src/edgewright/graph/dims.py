"""Run-time sizes: integer expressions over bounded symbols.

A shape entry is an `int` or a `Dim`. Arithmetic (`+ - * //`) works on both alike, so shape rules
are written once. A `Dim` always simplifies to an `int` when nothing symbolic is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Union

Size = Union[int, "Dim"]


class Dim:
    """An integer expression; immutable and hashable."""

    def __add__(self, other: Size) -> Size:
        return _add(self, other)

    def __radd__(self, other: int) -> Size:
        return _add(self, other)

    def __sub__(self, other: Size) -> Size:
        return _add(self, _mul(other, -1))

    def __rsub__(self, other: int) -> Size:
        return _add(_mul(self, -1), other)

    def __mul__(self, other: Size) -> Size:
        return _mul(self, other)

    def __rmul__(self, other: int) -> Size:
        return _mul(self, other)

    def __neg__(self) -> Size:
        return _mul(self, -1)

    def __floordiv__(self, other: int) -> Size:
        return _floordiv(self, other)

    def evaluate(self, env: Mapping[str, int]) -> int:
        """Its value when each symbol has the given value."""
        raise NotImplementedError

    def bounds(self) -> tuple[int, int]:
        """The smallest and the largest value it can take."""
        raise NotImplementedError

    def symbols(self) -> frozenset[Symbol]:
        """The symbols it is made of."""
        raise NotImplementedError


@dataclass(frozen=True)
class Symbol(Dim):
    """A named size that the caller chooses at run time, `low <= name <= high`."""

    name: str
    low: int
    high: int

    def evaluate(self, env: Mapping[str, int]) -> int:
        return env[self.name]

    def bounds(self) -> tuple[int, int]:
        return self.low, self.high

    def symbols(self) -> frozenset[Symbol]:
        return frozenset([self])

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Sum(Dim):
    """constant + the sum of coefficient * atom (a product of symbols and quotients)."""

    terms: tuple[tuple[tuple[Dim, ...], int], ...]
    constant: int

    def evaluate(self, env: Mapping[str, int]) -> int:
        total = self.constant
        for atoms, coefficient in self.terms:
            for atom in atoms:
                coefficient *= atom.evaluate(env)
            total += coefficient
        return total

    def bounds(self) -> tuple[int, int]:
        low = high = self.constant
        for atoms, coefficient in self.terms:
            smallest, largest = coefficient, coefficient
            for atom in atoms:
                a, b = atom.bounds()
                products = (smallest * a, smallest * b, largest * a, largest * b)
                smallest, largest = min(products), max(products)
            low, high = low + smallest, high + largest
        return low, high

    def symbols(self) -> frozenset[Symbol]:
        found: frozenset[Symbol] = frozenset()
        for atoms, _ in self.terms:
            for atom in atoms:
                found |= atom.symbols()
        return found

    def __str__(self) -> str:
        text = ""
        for atoms, coefficient in self.terms:
            factors = [str(a) for a in atoms]
            if abs(coefficient) != 1:
                factors.insert(0, str(abs(coefficient)))
            sign = "-" if coefficient < 0 else "+"
            text += f" {sign} " + "*".join(factors)
        if self.constant:
            text += f" {'-' if self.constant < 0 else '+'} {abs(self.constant)}"
        text = text.removeprefix(" + ")
        return text if text.count(" ") == 0 else f"({text.strip()})"


@dataclass(frozen=True)
class Quotient(Dim):
    """floor(numerator / denominator); the denominator is a positive int."""

    numerator: Dim
    denominator: int

    def evaluate(self, env: Mapping[str, int]) -> int:
        return self.numerator.evaluate(env) // self.denominator

    def bounds(self) -> tuple[int, int]:
        low, high = self.numerator.bounds()
        return low // self.denominator, high // self.denominator

    def symbols(self) -> frozenset[Symbol]:
        return self.numerator.symbols()

    def __str__(self) -> str:
        return f"({self.numerator} // {self.denominator})"


_Terms = dict[tuple[Dim, ...], int]


def _terms(size: Size) -> tuple[_Terms, int]:
    if isinstance(size, int):
        return {}, size
    if isinstance(size, Sum):
        return dict(size.terms), size.constant
    return {(size,): 1}, 0


def _make(terms: _Terms, constant: int) -> Size:
    kept = {atoms: c for atoms, c in terms.items() if c}
    if not kept:
        return constant
    if len(kept) == 1 and constant == 0:
        (atoms, coefficient), *_ = kept.items()
        if coefficient == 1 and len(atoms) == 1:
            return atoms[0]
    ordered = sorted(kept.items(), key=lambda item: [str(a) for a in item[0]])
    return Sum(tuple(ordered), constant)


def _add(a: Size, b: Size) -> Size:
    terms, constant = _terms(a)
    more, other = _terms(b)
    for atoms, coefficient in more.items():
        terms[atoms] = terms.get(atoms, 0) + coefficient
    return _make(terms, constant + other)


def _mul(a: Size, b: Size) -> Size:
    (left, x), (right, y) = _terms(a), _terms(b)
    terms: _Terms = {}
    for p, c in [*left.items(), ((), x)]:
        for q, d in [*right.items(), ((), y)]:
            atoms = tuple(sorted(p + q, key=str))
            terms[atoms] = terms.get(atoms, 0) + c * d
    constant = terms.pop((), 0)
    return _make(terms, constant)


def _floordiv(a: Dim, b: int) -> Size:
    if b <= 0:
        raise ValueError(f"a size is divided by {b}")
    terms, constant = _terms(a)
    if all(c % b == 0 for c in terms.values()):
        return _make({atoms: c // b for atoms, c in terms.items()}, constant // b)
    return Quotient(a, b)


def upper(size: Size) -> int:
    """The largest value of a size."""
    return size if isinstance(size, int) else size.bounds()[1]


def evaluate(size: Size, env: Mapping[str, int]) -> int:
    """The value of a size once its symbols have values."""
    return size if isinstance(size, int) else size.evaluate(env)


def product(sizes: tuple[Size, ...]) -> Size:
    """The product of sizes; 1 for none."""
    result: Size = 1
    for size in sizes:
        result = result * size
    return result
