"""Read what we need to know of a WebAssembly module.

Every length is checked before it is used, since a module may come out of a package that somebody
else built. Objects (before linking) are not read: their symbols are in sections of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

MAGIC = b"\0asm"
_VERSION = b"\x01\0\0\0"
_IMPORT, _GLOBAL, _EXPORT, _CODE, _DATA = 2, 6, 7, 10, 11
_GLOBALS = 3  # the kind of an import or export
_I32_CONST = 0x41
_MAX_ENTRIES = 100_000
_STACK_POINTER = "__stack_pointer"


@dataclass(frozen=True)
class Wasm:
    """What a module holds.

    Attributes:
        imports: "module.name" of all that the host must provide.
        exports: names that the host may use.
        globals: first values of the exported globals, by name.
        code_bytes: of the functions.
        data_bytes: of the constants that are copied into memory.
        data_end: where initialised memory and stack end.
    """

    imports: tuple[str, ...]
    exports: tuple[str, ...]
    globals: dict[str, int]
    code_bytes: int
    data_bytes: int

    @property
    def undefined(self) -> frozenset[str]:
        """Names that the host must provide besides its memory."""
        return frozenset(self.imports) - {"env.memory"}

    @property
    def exported(self) -> frozenset[str]:
        """Names that the host may use."""
        return frozenset(self.exports)

    @property
    def text_bytes(self) -> int:
        """Bytes of code."""
        return self.code_bytes

    @property
    def rodata_bytes(self) -> int:
        """Bytes of constants."""
        return self.data_bytes

    @property
    def writable_bytes(self) -> int:
        """Bytes of zeroed globals: memory that no constant fills, between the stack and the heap.

        Constants and globals look alike in a module; what is zero at first has no bytes in it.
        """
        if _STACK_POINTER not in self.globals or "__heap_base" not in self.globals:
            return 0
        used = self.globals["__heap_base"] - self.globals[_STACK_POINTER]
        return max(0, used - self.data_bytes - _PADDING)


#: between the stack and the constants, and after them
_PADDING = 64


class _Reader:
    """A position in the bytes of a module. Raises ValueError beyond the end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise ValueError(f"{size} bytes at {self._at} are beyond the end of the module")
        self._at += size
        return self._data[self._at - size : self._at]

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        """An unsigned LEB128 number of at most 64 bits (limits of a memory may be so long)."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value
            if shift > 63:
                raise ValueError("a number is too long")

    def signed(self) -> int:
        """A signed LEB128 number of at most 64 bits."""
        start = self._at
        value = self.number()
        bits = 7 * (self._at - start)
        return value - (1 << bits) if value >> (bits - 1) & 1 else value

    def count(self) -> int:
        found = self.number()
        if found > min(_MAX_ENTRIES, self.left):
            raise ValueError(f"{found} entries in {self.left} bytes")
        return found

    def name(self) -> str:
        return self.take(self.number()).decode()

    def limits(self) -> None:
        flags = self.byte()
        self.number()
        if flags & 1:
            self.number()


def parse_wasm(data: bytes) -> Wasm:
    """Parse a module. Raises ValueError when it is malformed."""
    reader = _Reader(data)
    if reader.take(4) != MAGIC or reader.take(4) != _VERSION:
        raise ValueError("wrong magic or version")
    sections: dict[int, bytes] = {}
    while reader.left:
        kind = reader.byte()
        sections[kind] = reader.take(reader.number())
    imports, imported_globals = _imports(_Reader(sections.get(_IMPORT, b"\0")))
    values = _globals(_Reader(sections.get(_GLOBAL, b"\0")))
    exports, indices = _exports(_Reader(sections.get(_EXPORT, b"\0")))
    own = {name: index - imported_globals for name, index in indices.items()}
    return Wasm(
        imports=imports,
        exports=exports,
        globals={name: values[i] for name, i in own.items() if 0 <= i < len(values)},
        code_bytes=len(sections.get(_CODE, b"")),
        data_bytes=_data(_Reader(sections.get(_DATA, b"\0"))),
    )


def _imports(reader: _Reader) -> tuple[tuple[str, ...], int]:
    """The imports, and how many of them are globals."""
    found, globals_ = [], 0
    for _ in range(reader.count()):
        found.append(f"{reader.name()}.{reader.name()}")
        kind = reader.byte()
        if kind == 0:
            reader.number()
        elif kind in (1, 2):
            if kind == 1:
                reader.byte()
            reader.limits()
        elif kind == _GLOBALS:
            reader.take(2)
            globals_ += 1
        else:
            raise ValueError(f"an import of kind {kind}")
    return tuple(found), globals_


def _globals(reader: _Reader) -> list[int]:
    """First values; only 32-bit constants, which is all that linkers write."""
    found = []
    for _ in range(reader.count()):
        reader.take(2)
        if reader.byte() != _I32_CONST:
            raise ValueError("a global that is no 32-bit constant")
        found.append(reader.signed())
        if reader.byte() != 0x0B:
            raise ValueError("a global that is no constant")
    return found


def _exports(reader: _Reader) -> tuple[tuple[str, ...], dict[str, int]]:
    """All names, and the indices of those that are globals."""
    names, globals_ = [], {}
    for _ in range(reader.count()):
        name, kind, index = reader.name(), reader.byte(), reader.number()
        names.append(name)
        if kind == _GLOBALS:
            globals_[name] = index
    return tuple(names), globals_


def _data(reader: _Reader) -> int:
    """Bytes of all segments."""
    total = 0
    for _ in range(reader.count()):
        kind = reader.number()
        if kind == 2:
            reader.number()
        if kind != 1:  # a passive segment has no place of its own
            if reader.byte() != _I32_CONST:
                raise ValueError("a segment whose place is no 32-bit constant")
            reader.signed()
            reader.byte()
        total += len(reader.take(reader.number()))
    return total
