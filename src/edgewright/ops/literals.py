"""Numbers as C literals."""

from __future__ import annotations

from typing import Any

import numpy as np


def f32_literal(value: float) -> str:
    """A float literal that reads back as exactly the nearest float32."""
    number = np.float32(value)
    if np.isnan(number):
        return '__builtin_nanf("")'
    if np.isinf(number):
        return "-__builtin_inff()" if number < 0 else "__builtin_inff()"
    text = np.format_float_scientific(number, unique=True, trim="0", exp_digits=1)
    plain = np.format_float_positional(number, unique=True, trim="0")
    return f"{plain if len(plain) <= len(text) + 4 else text}f"


def int_literal(value: int, bits: int) -> str:
    """An integer literal; the least value has no literal of its own in C."""
    if value == -(2 ** (bits - 1)):
        return f"(-{2 ** (bits - 1) - 1}{'ll' if bits == 64 else ''} - 1)"
    return f"{value}ll" if bits == 64 else str(value)


def whole(value: float, dtype: np.dtype[Any]) -> int:
    """A real number as an integer of a dtype: cut towards zero and saturated."""
    limits = np.iinfo(dtype)
    if value >= limits.max:
        return int(limits.max)
    return int(limits.min) if value <= limits.min else int(value)
