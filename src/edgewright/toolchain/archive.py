"""Read what we need to know of a static library: an `ar` archive of objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .image import piece

if TYPE_CHECKING:
    from .binary import Binary

MAGIC = b"!<arch>\n"
HEADER_BYTES = 60
NAME_BYTES, SIZE_AT, SIZE_BYTES = 16, 48, 10
#: members that are tables of the archive, by their name's beginning
TABLES = ("__.SYMDEF", "/SYM64/")


@dataclass(frozen=True)
class Archive:
    """What all objects of a static library hold together."""

    members: tuple[Binary, ...]

    @property
    def exported(self) -> frozenset[str]:
        """Names that others may use."""
        return frozenset[str]().union(*(member.exported for member in self.members))

    @property
    def undefined(self) -> frozenset[str]:
        """Names that no object of it defines."""
        wanted = frozenset[str]().union(*(member.undefined for member in self.members))
        return wanted - self.exported

    @property
    def text_bytes(self) -> int:
        """Bytes of machine code."""
        return sum(member.text_bytes for member in self.members)

    @property
    def rodata_bytes(self) -> int:
        """Bytes of constants."""
        return sum(member.rodata_bytes for member in self.members)

    @property
    def writable_bytes(self) -> int:
        """Bytes of writable globals: 0 for code that keeps the promise."""
        return sum(member.writable_bytes for member in self.members)


def parse_archive(data: bytes, parse_member: Callable[[bytes], Binary]) -> Archive:
    """Parse an archive, each object with `parse_member`. Raises ValueError when it is malformed."""
    return Archive(tuple(parse_member(content) for content in _objects(data)))


def _objects(data: bytes) -> Iterator[bytes]:
    """The content of each member that is no table."""
    offset = len(MAGIC)
    while offset < len(data):
        header = piece(data, offset, HEADER_BYTES)
        if header[-2:] != b"`\n":
            raise ValueError(f"no member of the archive at {offset}")
        name = header[:NAME_BYTES].decode().rstrip()
        size = int(header[SIZE_AT : SIZE_AT + SIZE_BYTES])
        content = piece(data, offset + HEADER_BYTES, size)
        if name.startswith("#1/"):  # BSD keeps a long name in front of the content
            length = int(name[3:])
            name = piece(content, 0, length).rstrip(b"\0").decode()
            content = content[length:]
        if name not in ("/", "//") and not name.startswith(TABLES):
            yield content
        offset += HEADER_BYTES + size + size % 2
