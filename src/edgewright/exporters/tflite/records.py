"""What a .tflite file is made of, before it is bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from edgewright.graph import Array, TensorType


@dataclass(eq=False)
class Tensor:
    """A tensor of a subgraph: constant when it has `data`.

    Attributes:
        is_variable: it keeps its content from one call to the next (the state of an LSTM).
        is_resource: a handle of a resource variable; `type` then says nothing.
    """

    name: str
    type: TensorType
    data: Array | None = None
    is_variable: bool = False
    is_resource: bool = False


#: before the name of a custom operator, as a code
CUSTOM = "custom "


@dataclass(eq=False)
class Operator:
    """A builtin operator: `options` holds fields of its options by their names in the schema.

    Or a custom one (its code is `CUSTOM` and its name), whose `options` are numbers by name.
    """

    code: str
    inputs: Sequence[Tensor | None]
    outputs: Sequence[Tensor]
    options: dict[str, Any]
    intermediates: Sequence[Tensor] = ()

    @property
    def custom_code(self) -> str | None:
        """The name of a custom operator; None for a builtin one."""
        return self.code.removeprefix(CUSTOM) if self.code.startswith(CUSTOM) else None

    @property
    def operands(self) -> list[Tensor]:
        """The inputs that are present."""
        return [t for t in self.inputs if t is not None]


@dataclass(eq=False)
class Subgraph:
    """One graph of the file."""

    name: str
    tensors: list[Tensor] = field(default_factory=list)
    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)


@dataclass(frozen=True)
class Signature:
    """A named entry point: names of the user and the tensors of `subgraph` that they mean."""

    key: str
    subgraph: int
    inputs: tuple[tuple[str, Tensor], ...]
    outputs: tuple[tuple[str, Tensor], ...]


@dataclass
class File:
    """The whole file; `metadata` maps the name of a metadata buffer to its bytes."""

    subgraphs: list[Subgraph] = field(default_factory=list)
    signatures: list[Signature] = field(default_factory=list)
    metadata: dict[str, bytes] = field(default_factory=dict)
    description: str = ""

    def operators(self) -> list[Operator]:
        """All operators, subgraph by subgraph."""
        return [op for graph in self.subgraphs for op in graph.operators]
