"""The one rule that turns tensor and model names into C identifiers and dictionary keys."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: test vectors are files of this name, and file systems stop at 255 bytes; C compilers need only
#: tell 63 characters apart
MAX_LENGTH = 63

_C = """
    auto break case char const continue default do double else enum extern float for goto if inline
    int long register restrict return short signed sizeof static struct switch typedef union
    unsigned void volatile while bool true false nullptr constexpr alignas alignof typeof
    static_assert thread_local asm
"""
#: `model.h` may be included from C++
_CPP = """
    and and_eq bitand bitor catch char8_t char16_t char32_t class co_await co_return co_yield compl
    concept consteval constinit const_cast decltype delete dynamic_cast explicit export friend
    mutable namespace new noexcept not not_eq operator or or_eq private protected public
    reinterpret_cast requires static_cast template this throw try typeid typename using virtual
    wchar_t xor xor_eq
"""
#: macros of the headers that `main.c` includes, and of GNU compilers
_MACROS = "NULL EOF BUFSIZ RAND_MAX FILENAME_MAX TMP_MAX stdin stdout stderr errno linux unix i386"
#: what generated code uses itself
_OURS = "state arena weights env io step main ew out_dims"

_KEYWORDS = frozenset(f"{_C} {_CPP} {_MACROS} {_OURS}".split())


def identifier(name: str) -> str:
    """Letters, digits and `_`; not starting with a digit, not a keyword, never empty.

    Of a longer name the first `MAX_LENGTH` characters count: converters join names by `;`.

    >>> identifier("serving_default_x:0"), identifier("1/y"), identifier("int")
    ('serving_default_x_0', 't1_y', 'int_')
    """
    text = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "t"
    if text[0].isdigit():
        text = f"t{text}"
    if text.lower() == "ew" or text.lower().startswith("ew_"):
        text = f"t_{text}"  # whatever follows `ew_`, it is ours
    text = text[:MAX_LENGTH].rstrip("_")
    return f"{text}_" if is_reserved(text) else text


def is_reserved(text: str) -> bool:
    """Whether C, C++ or the generated code means something else by the word."""
    return text in _KEYWORDS or text.lower().startswith("ew_")


def identifiers(names: Iterable[str], reserved: Iterable[str] = ()) -> list[str]:
    """Unique identifiers in order; a repeated one gets `_2`, `_3`, …

    They stay unique in capitals, in which `model.h` spells constants, and differ from `reserved`.
    """
    taken = {name.upper() for name in reserved}
    result = []
    for name in names:
        stem = candidate = identifier(name)
        count = 1
        while candidate.upper() in taken:
            count += 1
            candidate = f"{stem}_{count}"
        taken.add(candidate.upper())
        result.append(candidate)
    return result
