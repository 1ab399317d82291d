"""Operators: one file each (families share one), found by listing this folder.

An operator is a frozen dataclass: its fields are the attributes, and three methods say everything
about it: `infer` (types in, types out), `reference` (NumPy: the meaning) and `emit` (C).
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt

from edgewright.errors import InvalidGraph
from edgewright.graph import Graph, Node, Size, TensorType, evaluate
from edgewright.ops.emit import Emit, Packing

Array = npt.NDArray[Any]
__all__ = ["Array", "Call", "Emit", "Op", "Packing", "infer", "of", "op", "registry"]


@dataclass
class Call:
    """What a reference needs beside its arrays.

    `inputs` and `outputs` are the types (None for an absent input); `run(graph, arrays)` evaluates
    a region; `states` maps state names to arrays, which `write_state` replaces; `dims` maps
    run-time dims to their values.
    """

    inputs: Sequence[TensorType | None]
    outputs: Sequence[TensorType]
    requantization: str = "float"
    regions: Sequence[Graph] = ()
    run: Callable[[Graph, Sequence[Array]], list[Array]] | None = None
    states: dict[str, Array] = field(default_factory=dict)
    dims: Mapping[str, int] = field(default_factory=dict)

    def sizes(self, shape: Sequence[Size]) -> tuple[int, ...]:
        """Attributes such as a shape, once the run-time dims have values."""
        return tuple(evaluate(size, self.dims) for size in shape)


class Op:
    """Base of all operators."""

    name: ClassVar[str]
    #: inputs whose memory the only (first) output may take over when they die here
    inplace: ClassVar[tuple[int, ...]] = ()
    #: True when the output is the input's bytes under another type, so no code is needed
    is_view: ClassVar[bool] = False
    #: |C - reference| <= tolerance * range of the reference, for float outputs
    tolerance: ClassVar[float] = 1e-5

    def infer(self, *types: Any) -> TensorType | tuple[TensorType, ...]:
        """The types of the results. Raises InvalidGraph when the operands do not fit."""
        raise NotImplementedError

    def infer_node(self, node: Node) -> TensorType | tuple[TensorType, ...]:
        """As `infer`, for operators that look at regions or constants."""
        return self.infer(*(v.type if v else None for v in node.inputs))

    def reference(self, call: Call, *arrays: Any) -> Any:
        """The meaning: arrays in, an array or a tuple of arrays out."""
        raise NotImplementedError

    def emit(self, e: Emit) -> None:
        """The same meaning in C."""
        raise NotImplementedError

    def scratch_bytes(self, node: Node, target: Packing) -> int:
        """Bytes of arena that the C needs beside its operands."""
        return 0

    def inplace_operands(self, node: Node, target: Packing) -> tuple[int, ...]:
        """As `inplace`, where that depends on the shapes or on the target's kernels."""
        return self.inplace

    def view_offset(self, node: Node, target: Packing) -> int | None:
        """Bytes from the start of the first input to the output, where that is a part of it.

        None where the output has memory of its own.
        """
        return 0 if self.is_view else None

    def part_offsets(self, node: Node, target: Packing) -> tuple[int | None, ...]:
        """Bytes from the start of the output to each input, where inputs may be made in place."""
        return ()

    def divided(self, node: Node, axis: int) -> tuple[int | None, ...] | None:
        """The axis of each input that is divided where threads divide an axis of the output.

        None for an input that is needed whole; None in all where the output cannot be divided so,
        or where it is not worth it: see `parts`.
        """
        return None

    def macs(self, node: Node) -> int:
        """Multiply-accumulates, for reports; at the upper bound of run-time dims."""
        return 0


_OpClass = TypeVar("_OpClass", bound=type[Op])
_REGISTRY: dict[str, type[Op]] = {}


def op(name: str) -> Callable[[_OpClass], _OpClass]:
    """Register an operator under its name in the IR."""

    def register(cls: _OpClass) -> _OpClass:
        if name in _REGISTRY:
            raise ValueError(f"operator {name!r} is defined twice")
        cls.name = name
        _REGISTRY[name] = dataclass(frozen=True)(cls)
        return _REGISTRY[name]  # type: ignore[return-value]

    return register


@functools.cache
def registry() -> dict[str, type[Op]]:
    """All operators by name: ours, then those of installed packages (`edgewright.ops`)."""
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        importlib.import_module(f"{__name__}.{module}")
    for entry in sorted(entry_points(group="edgewright.ops"), key=lambda e: e.name):
        entry.load()
    return dict(sorted(_REGISTRY.items()))


def of(node: Node) -> Op:
    """The operator of a node with its attributes. Raises InvalidGraph for unknown ones."""
    cls = registry().get(node.op)
    if cls is None:
        raise InvalidGraph(f"unknown operator {node.op!r}", where=str(node.origin or "") or None)
    fields = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(node.attrs) - fields)
    if unknown:
        raise InvalidGraph(f"{node.op} has no attribute {unknown[0]!r}")
    try:
        return cls(**node.attrs)
    except TypeError as error:
        raise InvalidGraph(f"{node.op}: {error}") from None


def infer(node: Node) -> list[TensorType]:
    """The types of a node's results. Raises InvalidGraph."""
    try:
        result = of(node).infer_node(node)
    except (TypeError, AttributeError, ValueError) as error:
        if isinstance(error, TypeError) and not _is_arity(node):
            raise
        types = ", ".join(str(v.type) if v else "none" for v in node.inputs)
        raise InvalidGraph(f"{node.op}({types}): {error}") from error
    return [result] if isinstance(result, TensorType) else list(result)


def _is_arity(node: Node) -> bool:
    """Whether the operand count does not suit the operator."""
    try:
        inspect.signature(of(node).infer).bind(*node.inputs)
    except TypeError:
        return True
    return False


def require(condition: bool, what: str) -> None:
    """Raise InvalidGraph unless the condition holds."""
    if not condition:
        raise InvalidGraph(what)


def evaluate_node(node: Node, arrays: Sequence[Array | None], call: Call) -> list[Array]:
    """Run the reference of one node."""
    result = of(node).reference(call, *arrays)
    outputs = list(result) if isinstance(result, tuple | list) else [result]
    held = zip(outputs, node.outputs, strict=True)
    return [np.asarray(a, v.type.dtype.numpy, order="C") for a, v in held]
