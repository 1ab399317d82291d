"""The registry of exporter rules: which function writes which operator."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgewright.exporters.onnx.node import NodeWriter

Rule = Callable[["NodeWriter"], None]

_RULES: dict[str, Rule] = {}


def rule(*ops: str) -> Callable[[Rule], Rule]:
    """Register the exporter of one operator, or of a family."""

    def register(function: Rule) -> Rule:
        for op in ops:
            if op in _RULES:
                raise ValueError(f"{op} has two rules")
            _RULES[op] = function
        return function

    return register


@functools.cache
def _load_all() -> None:
    package = importlib.import_module("edgewright.exporters.onnx")
    for name in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"{package.__name__}.{name}")


def find(op: str) -> Rule | None:
    """The rule of an operator, or None."""
    _load_all()
    return _RULES.get(op)


def covered() -> list[str]:
    """The operators that have a rule, sorted."""
    _load_all()
    return sorted(_RULES)
