"""Products with numbers, however exporters order them."""

from __future__ import annotations

from edgewright.graph import Value
from edgewright.passes.constants import scalar


def factored(value: Value) -> tuple[float, list[Value]]:
    """A chain of multiplications and divisions by numbers as a number times what is left."""
    number, made = scalar(value), value.producer
    if number is not None:
        return number, []
    if made is None or made.attrs.get("clamp") is not None:
        return 1.0, [value]
    divisor = scalar(made.input(1)) if made.op == "div" else None
    if divisor:
        factor, values = factored(made.input(0))
        return factor / divisor, values
    if made.op != "mul":
        return 1.0, [value]
    (p, left), (q, right) = factored(made.input(0)), factored(made.input(1))
    return p * q, [*left, *right]
