"""Bytes of a file that somebody else may have made: every access is checked."""

from __future__ import annotations


def piece(data: bytes, offset: int, size: int) -> bytes:
    """`size` bytes at `offset`. Raises ValueError where the file does not have them."""
    if offset < 0 or size < 0 or offset + size > len(data):
        raise ValueError(f"{size} bytes at {offset} are beyond the end of the file")
    return data[offset : offset + size]


def text_at(data: bytes, offset: int) -> str:
    """The text at `offset`, which a zero byte ends. Raises ValueError where there is none."""
    if not 0 <= offset < len(data):
        raise ValueError(f"a name at {offset} is beyond the end of the file")
    return data[offset : data.index(b"\0", offset)].decode()
