"""Read what we need to know of a 64-bit Windows DLL."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .image import piece, text_at

MAGIC = b"MZ"
COFF = struct.Struct("<4sHHIIIHH")
OPTIONAL_MAGIC = 0x20B  # of a 64-bit image
DIRECTORIES_AT = 112  # in the optional header
DIRECTORY = struct.Struct("<II")
SECTION = struct.Struct("<8sIIIIIIHHI")
EXPORTS = struct.Struct("<IIHHIIIIIII")
IMPORT = struct.Struct("<IIIII")

CODE, DATA = 0x20, 0x40
DISCARDABLE, WRITE = 0x02000000, 0x80000000
BY_NUMBER = 1 << 63
MOST_IMPORTS = 10_000


@dataclass(frozen=True)
class Section:
    """One section: where its bytes are in the file and in memory, and its flags."""

    address: int
    size: int
    offset: int
    stored: int
    flags: int


@dataclass(frozen=True)
class Pe:
    """What a DLL holds; `undefined` are the functions that it imports."""

    sections: tuple[Section, ...]
    undefined: frozenset[str]
    exported: frozenset[str]

    @property
    def text_bytes(self) -> int:
        """Bytes of machine code."""
        return sum(s.size for s in self.sections if s.flags & CODE)

    @property
    def rodata_bytes(self) -> int:
        """Bytes of constants and linking tables that are loaded but never executed or written."""
        wanted, unwanted = DATA, CODE | WRITE | DISCARDABLE
        return sum(s.size for s in self.sections if s.flags & wanted and not s.flags & unwanted)

    @property
    def writable_bytes(self) -> int:
        """Bytes of writable globals: 0 for code that keeps the promise."""
        return sum(s.size for s in self.sections if s.flags & WRITE)


def parse_pe(data: bytes) -> Pe:
    """Parse an image. Raises ValueError, IndexError or struct.error when it is malformed."""
    (start,) = struct.unpack_from("<I", data, 0x3C)
    magic, _, count, _, _, _, optional_size, _ = COFF.unpack_from(data, start)
    if magic != b"PE\0\0":
        raise ValueError("wrong magic")
    optional = piece(data, start + COFF.size, optional_size)
    if struct.unpack_from("<H", optional)[0] != OPTIONAL_MAGIC:
        raise ValueError("not a 64-bit image")
    table = piece(data, start + COFF.size + optional_size, count * SECTION.size)
    sections = tuple(
        Section(address=r[2], size=r[1], offset=r[4], stored=r[3], flags=r[9])
        for r in SECTION.iter_unpack(table)
    )
    memory = _Memory(data, sections)
    return Pe(
        sections,
        frozenset(_imports(memory, _directory(optional, 1))),
        frozenset(_exports(memory, _directory(optional, 0))),
    )


@dataclass(frozen=True)
class _Memory:
    """The image by address."""

    data: bytes
    sections: tuple[Section, ...]

    def at(self, address: int) -> bytes:
        """All that its section holds from `address` on."""
        for section in self.sections:
            skip = address - section.address
            if 0 <= skip < section.stored:
                return piece(self.data, section.offset + skip, section.stored - skip)
        raise ValueError(f"nothing is at address {address:#x}")

    def number(self, address: int, form: str) -> int:
        return int(struct.unpack_from(form, self.at(address))[0])

    def text(self, address: int) -> str:
        return text_at(self.at(address), 0)


def _directory(optional: bytes, index: int) -> int:
    """The address of a directory; 0 when the image has none."""
    address, size = DIRECTORY.unpack_from(optional, DIRECTORIES_AT + index * DIRECTORY.size)
    return int(address) if size else 0


def _exports(memory: _Memory, address: int) -> Iterator[str]:
    if address:
        row = EXPORTS.unpack_from(memory.at(address))
        names = piece(memory.at(row[9]), 0, 4 * row[7]) if row[7] else b""
        for (name,) in struct.iter_unpack("<I", names):
            yield memory.text(name)


def _imports(memory: _Memory, address: int) -> Iterator[str]:
    """Every imported function, from whichever DLL."""
    found = 0
    while address and any(row := IMPORT.unpack_from(memory.at(address))):
        thunk = row[0] or row[4]
        while value := memory.number(thunk, "<Q"):
            if (found := found + 1) > MOST_IMPORTS:
                raise ValueError("too many imports")
            yield f"#{value & 0xFFFF}" if value & BY_NUMBER else memory.text(value + 2)
            thunk += 8
        address += IMPORT.size
