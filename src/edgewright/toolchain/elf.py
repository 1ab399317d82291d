"""Read what we need to know of a little-endian ELF shared library or object, of 32 or 64 bits.

Only the headers and the symbol tables are read; every offset is checked, since a library may come
out of a package that somebody else built.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .image import piece, text_at


@dataclass(frozen=True)
class Layout:
    """The structures of one class of ELF, and where in them the fields stand that we read."""

    ident: bytes
    header: struct.Struct
    section: struct.Struct
    symbol: struct.Struct
    #: the fields of a symbol: name, size, info, section
    symbol_fields: tuple[int, int, int, int]
    segment: struct.Struct
    #: the fields of a segment: type, alignment
    segment_fields: tuple[int, int]


ELF64 = Layout(
    b"\x7fELF\x02\x01",
    struct.Struct("<16sHHIQQQIHHHHHH"),
    struct.Struct("<IIQQQQIIQQ"),
    struct.Struct("<IBBHQQ"),
    (0, 5, 1, 3),
    struct.Struct("<IIQQQQQQ"),
    (0, 7),
)
ELF32 = Layout(
    b"\x7fELF\x01\x01",
    struct.Struct("<16sHHIIIIIHHHHHH"),
    struct.Struct("<IIIIIIIIII"),
    struct.Struct("<IIIBBH"),
    (0, 2, 3, 5),
    struct.Struct("<IIIIIIII"),
    (0, 7),
)

SHT_SYMTAB, SHT_NOBITS, SHT_DYNSYM = 2, 8, 11
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
SHN_UNDEF = 0
STB_LOCAL, STB_WEAK = 0, 2
PT_LOAD = 1

# Dynamic linking needs these to be writable until it is done; programs never write them.
LINKER_SECTIONS = frozenset({".dynamic", ".got", ".got.plt", ".data.rel.ro", ".relro_padding"})


@dataclass(frozen=True)
class Section:
    """One section: its name, ELF type and flags, where its bytes are, and which one it links to."""

    name: str
    type: int
    flags: int
    offset: int
    size: int
    link: int


@dataclass(frozen=True)
class Symbol:
    """One symbol of the dynamic table (or of an object's table)."""

    name: str
    size: int
    defined: bool
    weak: bool


@dataclass(frozen=True)
class Elf:
    """What a library or object holds.

    Attributes:
        sections: in file order.
        symbols: global ones, in table order.
        page_bytes: the smallest alignment of a segment that is loaded; 0 when none is.
    """

    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    page_bytes: int = 0

    @property
    def undefined(self) -> frozenset[str]:
        """Names that something else must provide."""
        return frozenset(symbol.name for symbol in self.symbols if not symbol.defined)

    @property
    def exported(self) -> frozenset[str]:
        """Names that others may use."""
        return frozenset(symbol.name for symbol in self.symbols if symbol.defined)

    @property
    def text_bytes(self) -> int:
        """Bytes of machine code."""
        return self._total(SHF_ALLOC | SHF_EXECINSTR, SHF_ALLOC | SHF_EXECINSTR)

    @property
    def rodata_bytes(self) -> int:
        """Bytes of constants and linking tables that are loaded but never executed or written."""
        return self._total(SHF_ALLOC | SHF_EXECINSTR | SHF_WRITE, SHF_ALLOC)

    @property
    def writable_bytes(self) -> int:
        """Bytes of writable globals (.data, .bss): 0 for code that keeps the promise."""
        return sum(
            section.size
            for section in self.sections
            if section.flags & SHF_WRITE and section.name not in LINKER_SECTIONS
        )

    @property
    def bss_bytes(self) -> int:
        """Bytes of zero-initialised writable globals."""
        return sum(
            section.size
            for section in self.sections
            if section.type == SHT_NOBITS and section.name not in LINKER_SECTIONS
        )

    def _total(self, mask: int, wanted: int) -> int:
        return sum(section.size for section in self.sections if section.flags & mask == wanted)


def parse_elf(data: bytes) -> Elf:
    """Parse an ELF image. Raises ValueError, IndexError or struct.error when it is malformed."""
    layout = next((each for each in (ELF64, ELF32) if data.startswith(each.ident)), None)
    if layout is None:
        raise ValueError("wrong magic, class or byte order")
    fields = layout.header.unpack_from(data)
    table, entry_size, count, names = fields[6], fields[11], fields[12], fields[13]
    if entry_size != layout.section.size:
        raise ValueError(f"section headers of {entry_size} bytes")
    raw = list(layout.section.iter_unpack(piece(data, table, count * entry_size)))
    strings = piece(data, raw[names][4], raw[names][5])
    sections = tuple(
        Section(text_at(strings, r[0]), type=r[1], flags=r[2], offset=r[4], size=r[5], link=r[6])
        for r in raw
    )
    segments = _alignments(data, layout, fields)
    return Elf(sections, tuple(_symbols(data, layout, sections)), min(segments, default=0))


def _symbols(data: bytes, layout: Layout, sections: tuple[Section, ...]) -> Iterator[Symbol]:
    """Global symbols: of the dynamic table where there is one, else of the ordinary one."""
    tables = [s for s in sections if s.type == SHT_DYNSYM]
    tables = tables or [s for s in sections if s.type == SHT_SYMTAB]
    entry, (name_at, size_at, info_at, section_at) = layout.symbol, layout.symbol_fields
    for table in tables:
        names = piece(data, sections[table.link].offset, sections[table.link].size)
        content = piece(data, table.offset, table.size - table.size % entry.size)
        for row in entry.iter_unpack(content):
            binding = row[info_at] >> 4
            if binding != STB_LOCAL and row[name_at]:
                defined = row[section_at] != SHN_UNDEF
                weak = binding == STB_WEAK
                yield Symbol(text_at(names, row[name_at]), row[size_at], defined, weak)


def _alignments(data: bytes, layout: Layout, header: tuple[int, ...]) -> Iterator[int]:
    """Of the segments that are loaded; objects have no segments."""
    table, entry_size, count = header[5], header[9], header[10]
    if count and entry_size != layout.segment.size:
        raise ValueError(f"program headers of {entry_size} bytes")
    type_at, alignment_at = layout.segment_fields
    for row in layout.segment.iter_unpack(piece(data, table, count * entry_size)):
        if row[type_at] == PT_LOAD:
            yield row[alignment_at]
