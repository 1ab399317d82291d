"""What an operator may use to write its C; `codegen/` implements it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy.typing as npt

from edgewright.graph import Node, Value

if TYPE_CHECKING:
    from edgewright.graph import Graph
    from edgewright.ops.choice import Choices


class Packing(Protocol):
    """What the packing of weights depends on: facts of a target, whatever the ISA level."""

    @property
    def dot(self) -> str:
        """How 8-bit products are formed: "us" (one operand unsigned) or "ss"."""

    @property
    def pointer_bytes(self) -> int:
        """Bytes of a pointer."""

    @property
    def lean_step(self) -> int:
        """Numbers per multiplication of the microcontroller kernels; 0 for sixteen-lane ones."""

    @property
    def chunks(self) -> int:
        """Pieces of a large layer that may run at the same time; 1 without threads."""

    @property
    def room(self) -> int:
        """Bytes of arena that have to suffice; 0 where nobody said so."""

    @property
    def small(self) -> bool:
        """Whether size goes before speed: weights are not expanded to save multiplications."""

    @property
    def choices(self) -> Choices:
        """What decides where a layer can be computed in several ways: see `choice.choose`."""


class Emit(Protocol):
    """The C of one node: expressions for its operands, and calls added to the function's body.

    Sizes are C int expressions: constants unless a dim is chosen at run time.
    """

    node: Node
    inputs: list[Value | None]
    outputs: list[Value]
    target: Packing
    requantization: str

    def ptr(self, value: Value | None) -> str:
        """A typed pointer to a value's elements; `NULL` for None."""

    def dim(self, value: Value, axis: int) -> str:
        """One size of a value."""

    def count(self, value: Value) -> str:
        """The number of elements of a value."""

    def size(self, size: Any) -> str:
        """An int or a `Dim` as a C expression."""

    def weight(self, array: npt.NDArray[Any]) -> str:
        """A typed pointer into `weights.bin`; how trained numbers reach the code."""

    def scratch(self) -> str:
        """A `void *` to the operator's scratch in the arena (`Op.scratch_bytes` bytes)."""

    def state(self, name: str) -> str:
        """A `void *` to a state's memory."""

    def header(self, name: str) -> None:
        """Include a file of `kernels/`."""

    def define(self, name: str, text: str) -> None:
        """A static function or table type of this model, written once."""

    def line(self, text: str) -> None:
        """A line of C in the function's body."""

    def call(self, function: str, *args: str | int) -> None:
        """A call in the function's body."""

    def fail_if(self, condition: str, error: str) -> None:
        """Return the error (`EW_ERROR_…`) when the condition holds."""

    def unique(self, stem: str) -> str:
        """A C identifier that is not used elsewhere in the function."""

    def region(self, graph: Graph) -> None:
        """The nodes of a region, in place."""

    def is_part(self, part: Value, whole: Value, start: int) -> bool:
        """Whether a value lies in the memory of another, `start` bytes from its start."""

    def copy(self, source: Value, target: Value) -> None:
        """Copy a value's bytes, unless both are the same memory."""
