"""Paste the kernel headers that a model uses into its `model.c`, each once, in dependency order."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from edgewright.errors import InternalError

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)".*$', re.MULTILINE)


@cache
def read_kernel(name: str) -> str:
    """The text of a header of `kernels/`."""
    try:
        return (files("edgewright") / "kernels" / name).read_text(encoding="utf-8")
    except OSError as error:
        raise InternalError(f"kernel header {name!r} is missing: {error}") from None


def paste(headers: Iterable[str], given: Iterable[str] = ()) -> str:
    """One text with every header and what it includes; `#include "…"` lines are replaced in place.

    Headers in `given` are left out: the text stands where they are known already.
    """
    done = set(given)
    return "".join(_expand(name, done) for name in headers)


def _expand(name: str, done: set[str]) -> str:
    if name in done:
        return ""
    done.add(name)

    def replace(match: re.Match[str]) -> str:
        return _expand(match[1], done)

    body = _INCLUDE.sub(replace, read_kernel(name)).rstrip("\n")
    return f"/* ---- {name} ---- */\n{body}\n"
