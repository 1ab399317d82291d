"""The registry of importer rules: which function imports which operator from which opset on."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from edgewright.graph import Value

if TYPE_CHECKING:
    from edgewright.importers.onnx.node import SourceNode

#: A rule returns the values of the node's outputs, in order; None for one that it does not make.
Result = Value | Sequence[Value | None]
Rule = Callable[["SourceNode"], Result]

_RULES: dict[tuple[str, str], dict[int, Rule]] = {}


def rule(*op_types: str, since: int = 1, domain: str = "") -> Callable[[Rule], Rule]:
    """Register the importer of one operator, or of a family, from an opset version on."""

    def register(function: Rule) -> Rule:
        for op_type in op_types:
            versions = _RULES.setdefault((domain, op_type), {})
            if since in versions:
                raise ValueError(f"{domain or 'ai.onnx'} {op_type} since {since} has two rules")
            versions[since] = function
        return function

    return register


@functools.cache
def _load_all() -> None:
    package = importlib.import_module("edgewright.importers.onnx")
    for name in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"{package.__name__}.{name}")


def find(domain: str, op_type: str, opset: int) -> Rule | None:
    """The newest rule that applies to an opset, or None."""
    _load_all()
    versions = _RULES.get((_canonical(domain), op_type), {})
    usable = [since for since in versions if since <= opset]
    return versions[max(usable)] if usable else None


def covered() -> dict[str, list[str]]:
    """The operators that have a rule, by domain, sorted."""
    _load_all()
    found: dict[str, list[str]] = {}
    for domain, op_type in sorted(_RULES):
        found.setdefault(domain, []).append(op_type)
    return found


def _canonical(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain
