"""The one rule that turns tensor and model names into C identifiers and dictionary keys."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: test vectors are files of this name, and file systems stop at 255 bytes; C compilers need only
#: tell 63 characters apart
MAX_LENGTH = 63

_KEYWORDS = frozenset(
    [
        "auto",
        "break",
        "case",
        "char",
        "const",
        "continue",
        "default",
        "do",
        "double",
        "else",
        "enum",
        "extern",
        "float",
        "for",
        "goto",
        "if",
        "inline",
        "int",
        "long",
        "register",
        "restrict",
        "return",
        "short",
        "signed",
        "sizeof",
        "static",
        "struct",
        "switch",
        "typedef",
        "union",
        "unsigned",
        "void",
        "volatile",
        "while",
        "state",
        "arena",
        "weights",
        "env",
        "io",
        "step",
        "main",
    ]
)


def identifier(name: str) -> str:
    """Letters, digits and `_`; not starting with a digit, not a keyword, never empty.

    Of a longer name the first `MAX_LENGTH` characters count: converters join names by `;`.

    >>> identifier("serving_default_x:0"), identifier("1/y"), identifier("int")
    ('serving_default_x_0', 't1_y', 'int_')
    """
    text = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "t"
    if text[0].isdigit():
        text = f"t{text}"
    text = text[:MAX_LENGTH].rstrip("_")
    return f"{text}_" if text in _KEYWORDS or text.startswith("ew_") else text


def identifiers(names: Iterable[str]) -> list[str]:
    """Unique identifiers in order; a repeated one gets `_2`, `_3`, …"""
    taken: set[str] = set()
    result = []
    for name in names:
        stem = candidate = identifier(name)
        count = 1
        while candidate in taken:
            count += 1
            candidate = f"{stem}_{count}"
        taken.add(candidate)
        result.append(candidate)
    return result
