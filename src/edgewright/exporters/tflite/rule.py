"""The registry of exporter rules: which function writes which operator of the IR."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgewright.exporters.tflite.node import ExportedNode

#: A rule adds the operators that compute a node's outputs.
Rule = Callable[["ExportedNode"], None]

_RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register the writer of one operator, or of a family."""

    def register(function: Rule) -> Rule:
        for name in names:
            if name in _RULES:
                raise ValueError(f"{name} has two rules")
            _RULES[name] = function
        return function

    return register


@functools.cache
def rules() -> dict[str, Rule]:
    """All rules by operator, sorted."""
    package = importlib.import_module("edgewright.exporters.tflite")
    for name in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"{package.__name__}.{name}")
    return dict(sorted(_RULES.items()))
