"""What a user may say about a model when it is imported, and what the importer says back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edgewright.errors import InvalidOption
from edgewright.graph import Size, Symbol

_RANGE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)[:=](\d+)\.\.(\d+)$")


@dataclass
class ImportOptions:
    """Options of every importer.

    Args:
        shapes: per input name, one entry per axis: a number, `name:low..high` for a size that the
            caller chooses at run time, or the `name` of one that is bounded elsewhere.
        states: input name -> output name; the pair becomes memory that lives between calls.
        notes: what the importer assumed, one sentence each; filled in while importing.
        labels: output name -> class labels that the model carries; filled in while importing.
    """

    shapes: Mapping[str, Sequence[str | int]] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def note(self, text: str) -> None:
        """Add a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    def sizes(self) -> dict[str, tuple[Size, ...]]:
        """`shapes` parsed. Raises InvalidOption."""
        symbols = self._symbols()
        return {
            name: tuple(_size(name, entry, symbols) for entry in entries)
            for name, entries in self.shapes.items()
        }

    def _symbols(self) -> dict[str, Symbol]:
        """The bounded sizes by name; one name has one pair of bounds."""
        found: dict[str, Symbol] = {}
        for entry in (e for entries in self.shapes.values() for e in entries):
            if match := _RANGE.match(str(entry).strip()):
                symbol = Symbol(match[1], int(match[2]), int(match[3]))
                if not 1 <= symbol.low <= symbol.high:
                    raise InvalidOption(f"shape entry {entry!r} has no size in its bounds")
                if found.setdefault(symbol.name, symbol) != symbol:
                    raise InvalidOption(f"size {symbol.name!r} is given two pairs of bounds")
        return found


def _size(name: str, entry: str | int, symbols: Mapping[str, Symbol]) -> Size:
    text = str(entry).strip()
    if text.isdecimal() and int(text) > 0:
        return int(text)
    symbol = symbols.get(re.split("[:=]", text)[0])
    if symbol is None or ("." in text and not _RANGE.match(text)):
        raise InvalidOption(
            f"shape entry {entry!r} of input {name!r} is not a size",
            help="write a positive number or name:low..high, for instance h:64..512",
        )
    return symbol
