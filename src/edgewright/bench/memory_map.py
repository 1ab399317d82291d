"""Who lives where in the arena, and when: the memory plan drawn over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgewright.plan import Plan
from edgewright.plan.lifetimes import lifetimes


@dataclass(frozen=True)
class Piece:
    """One piece of the arena.

    Attributes:
        name: of the value that it was first needed for, or of the node whose scratch it is.
        kind: "value" or "scratch".
        offset: in bytes.
        bytes: its size.
        start: the first step that needs it.
        end: the last one.
    """

    name: str
    kind: str
    offset: int
    bytes: int
    start: int
    end: int


def memory_map(plan: Plan) -> list[Piece]:
    """The pieces of a plan's arena, by start and offset; steps count nodes in execution order."""
    found = lifetimes(plan.graph, plan.order, plan.scratch_bytes, plan.target)
    last = len(plan.order[plan.graph]) - 1
    pieces = []
    for buffer in found.buffers:
        place = plan.places[buffer.root]
        if place.kind == "arena":
            end = min(buffer.end, last)
            name = buffer.root.name
            pieces.append(Piece(name, "value", place.offset, buffer.bytes, buffer.start, end))
    for item in found.scratch:
        name, offset = item.node.outputs[0].name, plan.scratch[item.node]
        pieces.append(Piece(name, "scratch", offset, item.bytes, item.start, min(item.end, last)))
    return sorted(pieces, key=lambda piece: (piece.start, piece.offset))


def drawn(pieces: Sequence[Piece], steps: int, arena: int, width: int, height: int) -> list[str]:
    """Lines of text: time to the right, addresses upwards; each piece gets a letter.

    A cell shows the piece that covers its middle; "." is free memory, lower-case letters are
    scratch.
    """
    width = min(width, max(1, steps))
    lines = []
    for row in reversed(range(height)):
        address = (row + 0.5) * arena / height
        times = [int((column + 0.5) * steps / width) for column in range(width)]
        lines.append("".join(_at(pieces, address, time) for time in times))
    return lines


def _at(pieces: Sequence[Piece], address: float, step: int) -> str:
    for index, piece in enumerate(pieces):
        inside = piece.offset <= address < piece.offset + piece.bytes
        if inside and piece.start <= step <= piece.end:
            letter = chr(ord("A") + index % 26)
            return letter.lower() if piece.kind == "scratch" else letter
    return "."
