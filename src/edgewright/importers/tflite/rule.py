"""The registry of importer rules: which function imports which operator."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from edgewright.graph import Value

if TYPE_CHECKING:
    from edgewright.importers.tflite.node import SourceNode
    from edgewright.importers.tflite.reader import Operator

#: A rule returns the values of the operator's outputs, in order.
Result = Value | Sequence[Value] | None
Rule = Callable[["SourceNode"], Result]

_RULES: dict[str, Rule] = {}


def rule(*codes: str) -> Callable[[Rule], Rule]:
    """Register the importer of one operator, or of a family; custom ones as `custom NAME`."""

    def register(function: Rule) -> Rule:
        for code in codes:
            if code in _RULES:
                raise ValueError(f"{code} has two rules")
            _RULES[code] = function
        return function

    return register


def rule_name(operator: Operator) -> str:
    """What the rule of an operator is registered as."""
    custom = operator.custom_code
    return operator.code if custom is None else f"custom {custom}"


@functools.cache
def rules() -> dict[str, Rule]:
    """All rules by operator code, sorted."""
    package = importlib.import_module("edgewright.importers.tflite")
    for name in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"{package.__name__}.{name}")
    return dict(sorted(_RULES.items()))
