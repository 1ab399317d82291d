"""Read what we need to know of a 64-bit Mach-O dylib or object (macOS, iOS)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .image import piece, text_at

MAGIC = b"\xcf\xfa\xed\xfe"
HEADER = struct.Struct("<IIIIIIII")
COMMAND = struct.Struct("<II")
SEGMENT = struct.Struct("<II16sQQQQIIII")
SECTION = struct.Struct("<16s16sQQIIIIIIII")
SYMTAB = struct.Struct("<IIIIII")
SYMBOL = struct.Struct("<IBBHQ")

LC_SYMTAB, LC_SEGMENT_64 = 0x2, 0x19
N_STAB, N_TYPE, N_EXT, N_UNDF = 0xE0, 0x0E, 0x01, 0x00
INSTRUCTIONS = 0x80000400  # attributes of a section: only, or some, of it is machine code

# Written by the loader before any code runs, never by programs.
LOADER_SECTIONS = frozenset({"__got", "__la_symbol_ptr", "__nl_symbol_ptr", "__const"})
# Where this is imported, functions are bound when first called, for which the loader keeps a word
# of its own in __data.
LAZY_BINDER, LAZY_BYTES = "dyld_stub_binder", 8
# Defined by the linker in every dylib.
LINKER_SYMBOLS = frozenset({"__dso_handle", "_mh_dylib_header"})


@dataclass(frozen=True)
class Section:
    """One section: its name, its segment's, its size, and its flags."""

    name: str
    segment: str
    size: int
    flags: int


@dataclass(frozen=True)
class MachO:
    """What a dylib or object holds; symbols without the underscore that C gets there."""

    sections: tuple[Section, ...]
    undefined: frozenset[str]
    exported: frozenset[str]

    @property
    def text_bytes(self) -> int:
        """Bytes of machine code."""
        return sum(s.size for s in self.sections if s.flags & INSTRUCTIONS)

    @property
    def rodata_bytes(self) -> int:
        """Bytes of constants that are loaded but never executed or written."""
        return sum(s.size for s in self.sections if not s.flags & INSTRUCTIONS and not _writable(s))

    @property
    def writable_bytes(self) -> int:
        """Bytes of writable globals: 0 for code that keeps the promise."""
        total = sum(s.size for s in self.sections if _writable(s))
        return max(0, total - LAZY_BYTES) if LAZY_BINDER in self.undefined else total


def _writable(section: Section) -> bool:
    return section.segment == "__DATA" and section.name not in LOADER_SECTIONS


def parse_macho(data: bytes) -> MachO:
    """Parse an image. Raises ValueError, IndexError or struct.error when it is malformed."""
    sections: list[Section] = []
    symbols: list[tuple[str, bool]] = []
    for kind, command in _commands(data):
        if kind == LC_SEGMENT_64:
            sections += _sections(command)
        elif kind == LC_SYMTAB:
            symbols += _symbols(data, command)
    return MachO(
        tuple(sections),
        frozenset(name for name, defined in symbols if not defined),
        frozenset(name for name, defined in symbols if defined) - LINKER_SYMBOLS,
    )


def _commands(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The load commands: kind, and all of their bytes."""
    count = HEADER.unpack_from(data)[4]
    offset = HEADER.size
    for _ in range(count):
        kind, size = COMMAND.unpack_from(data, offset)
        if size < COMMAND.size:
            raise ValueError(f"a load command of {size} bytes")
        yield kind, piece(data, offset, size)
        offset += size


def _sections(command: bytes) -> Iterator[Section]:
    count = SEGMENT.unpack_from(command)[9]
    for row in SECTION.iter_unpack(piece(command, SEGMENT.size, count * SECTION.size)):
        yield Section(_padded(row[0]), _padded(row[1]), size=row[3], flags=row[8])


def _padded(name: bytes) -> str:
    return name.partition(b"\0")[0].decode()


def _symbols(data: bytes, command: bytes) -> Iterator[tuple[str, bool]]:
    """Global symbols and whether they are defined; debugging entries are not symbols."""
    _, _, offset, count, strings_at, strings_size = SYMTAB.unpack_from(command)
    strings = piece(data, strings_at, strings_size)
    for name, kind, *_ in SYMBOL.iter_unpack(piece(data, offset, count * SYMBOL.size)):
        if kind & N_EXT and not kind & N_STAB:
            yield text_at(strings, name).removeprefix("_"), kind & N_TYPE != N_UNDF
