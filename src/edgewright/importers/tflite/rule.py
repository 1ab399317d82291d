"""The registry of importer rules: which function imports which builtin operator."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from edgewright.graph import Value

if TYPE_CHECKING:
    from edgewright.importers.tflite.node import SourceNode

#: A rule returns the values of the operator's outputs, in order.
Result = Value | Sequence[Value] | None
Rule = Callable[["SourceNode"], Result]

_RULES: dict[str, Rule] = {}


def rule(*codes: str) -> Callable[[Rule], Rule]:
    """Register the importer of one builtin operator, or of a family."""

    def register(function: Rule) -> Rule:
        for code in codes:
            if code in _RULES:
                raise ValueError(f"{code} has two rules")
            _RULES[code] = function
        return function

    return register


@functools.cache
def rules() -> dict[str, Rule]:
    """All rules by operator code, sorted."""
    package = importlib.import_module("edgewright.importers.tflite")
    for name in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"{package.__name__}.{name}")
    return dict(sorted(_RULES.items()))
