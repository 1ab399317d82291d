"""Read what we need to know of a 64-bit little-endian ELF shared library or object.

Only the section headers and the symbol tables are read; every offset is checked, since a library
may come out of a package that somebody else built.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")

SHT_SYMTAB, SHT_NOBITS, SHT_DYNSYM = 2, 8, 11
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4
SHN_UNDEF = 0
STB_LOCAL, STB_WEAK = 0, 2

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
    """

    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]

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
    ident, *_ = fields = HEADER.unpack_from(data)
    if ident[:6] != b"\x7fELF\x02\x01":
        raise ValueError("wrong magic, class or byte order")
    table, entry_size, count, names = fields[6], fields[11], fields[12], fields[13]
    if entry_size != SECTION.size:
        raise ValueError(f"section headers of {entry_size} bytes")
    raw = list(SECTION.iter_unpack(_slice(data, table, count * entry_size)))
    strings = _slice(data, raw[names][4], raw[names][5])
    sections = tuple(
        Section(_string(strings, r[0]), type=r[1], flags=r[2], offset=r[4], size=r[5], link=r[6])
        for r in raw
    )
    return Elf(sections, tuple(_symbols(data, sections)))


def _symbols(data: bytes, sections: tuple[Section, ...]) -> Iterator[Symbol]:
    """Global symbols: of the dynamic table where there is one, else of the ordinary one."""
    tables = [s for s in sections if s.type == SHT_DYNSYM]
    tables = tables or [s for s in sections if s.type == SHT_SYMTAB]
    for table in tables:
        names = _slice(data, sections[table.link].offset, sections[table.link].size)
        content = _slice(data, table.offset, table.size - table.size % SYMBOL.size)
        for name, info, _, section, _, size in SYMBOL.iter_unpack(content):
            binding = info >> 4
            if binding != STB_LOCAL and name:
                defined = section != SHN_UNDEF
                yield Symbol(_string(names, name), size, defined, weak=binding == STB_WEAK)


def _slice(data: bytes, offset: int, size: int) -> bytes:
    if offset + size > len(data):
        raise ValueError(f"{size} bytes at {offset} are beyond the end of the file")
    return data[offset : offset + size]


def _string(strings: bytes, offset: int) -> str:
    return strings[offset : strings.index(b"\0", offset)].decode()
