"""Read what we need to know of a compiled file, whatever its format."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ..errors import InvalidPackage
from . import archive, macho, pe, wasm
from .elf import parse_elf


class Binary(Protocol):
    """What every format tells about a library or object."""

    @property
    def undefined(self) -> frozenset[str]:
        """Names that something else must provide."""

    @property
    def exported(self) -> frozenset[str]:
        """Names that others may use."""

    @property
    def text_bytes(self) -> int:
        """Bytes of machine code."""

    @property
    def rodata_bytes(self) -> int:
        """Bytes of constants and linking tables that are loaded but never executed or written."""

    @property
    def writable_bytes(self) -> int:
        """Bytes of writable globals: 0 for code that keeps the promise."""


def _parse_archive(data: bytes) -> Binary:
    return archive.parse_archive(data, _parse_object)


#: the parser by the first bytes of a file; each raises ValueError, IndexError or struct.error on a
#: malformed file
_OBJECTS: dict[bytes, Callable[[bytes], Binary]] = {
    b"\x7fELF": parse_elf,
    macho.MAGIC: macho.parse_macho,
    pe.MAGIC: pe.parse_pe,
    wasm.MAGIC: wasm.parse_wasm,
}
_PARSERS = {**_OBJECTS, archive.MAGIC: _parse_archive}


def _parse_object(data: bytes) -> Binary:
    """A member of an archive, which is no archive itself."""
    return _parse(data, _OBJECTS)


def _parse(data: bytes, parsers: dict[bytes, Callable[[bytes], Binary]]) -> Binary:
    for magic, parse in parsers.items():
        if data.startswith(magic):
            return parse(data)
    raise ValueError("wrong magic")


def parse_binary(data: bytes) -> Binary:
    """Parse a file's bytes. Raises ValueError, IndexError, struct.error when it is malformed."""
    return _parse(data, _PARSERS)


def read_binary(path: Path) -> Binary:
    """Parse the file at `path`. Raises InvalidPackage when it is damaged or of no known format."""
    try:
        return parse_binary(path.read_bytes())
    except (struct.error, IndexError, UnicodeDecodeError, ValueError) as error:
        raise InvalidPackage(
            f"not a compiled file that can be read: {error}", where=path, help="build it again"
        ) from error
