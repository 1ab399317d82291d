"""Bounds of a FlatBuffers file, checked before anything follows its offsets.

A FlatBuffer is read by following offsets that the file states, and flatbuffers' Python accessors
follow them unchecked. `verify` walks everything that a schema can reach, as flatbuffers' C++
`Verifier` does: each offset, vtable, vector, string and union member lies inside the file and is
aligned, and nesting is bounded. In addition every *visit* is charged to a budget that grows with
the file, since a small file whose offsets all point to the same place would otherwise take
quadratic or exponential time to read: whoever reads a verified file once, does bounded work.

The shape of the tables (which field is a scalar, a string, a vector of tables, …) comes from
flatc's generated Python classes (`GeneratedSchema`), whose accessors are run against a recorder
instead of a file, so that no copy of the schema has to be kept here.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import FunctionType, ModuleType
from typing import Any, Final, Literal, NoReturn, Protocol

from edgewright.errors import InvalidModel
from edgewright.importers.model_file import MAX_FILE_BYTES

MAX_DEPTH: Final = 64
MAX_TABLES: Final = 1_000_000
# An unshared table takes at least 8 bytes: its own 4 and the 4 of the offset that leads to it.
BYTES_PER_TABLE: Final = 8
SPARE_TABLES: Final = 1_024
# Writers may share strings and small vectors between tables, but not much more than they write.
SHARING: Final = 4
SPARE_BYTES: Final = 1 << 16

Kind = Literal["scalar", "vector", "string", "strings", "table", "tables", "union"]
_U8, _U16, _U32, _I32 = (struct.Struct("<" + code) for code in "BHIi")


@dataclass(frozen=True)
class Field:
    """One field of a table: its accessor's name, its place in the vtable and what it holds.

    `slot` is the byte offset in the vtable; `width` the bytes of a scalar or of one element of a
    vector; `table` the table's name, or the union's enum (whose tag is in the slot before).
    """

    name: str
    slot: int
    kind: Kind
    width: int = 4
    table: str = ""


class Schema(Protocol):
    """What the verifier has to know about a format."""

    def fields(self, table: str) -> tuple[Field, ...]:
        """The fields of a table by rising slot."""

    def member(self, union: str, tag: int) -> str | None:
        """The table that a union holds under a tag; `None` for an unknown one."""


@dataclass(frozen=True)
class WrittenSchema:
    """A schema stated in our code, for formats whose generated classes no package ships."""

    tables: Mapping[str, tuple[Field, ...]]
    unions: Mapping[str, Mapping[int, str]]

    def fields(self, table: str) -> tuple[Field, ...]:
        return self.tables[table]

    def member(self, union: str, tag: int) -> str | None:
        return self.unions[union].get(tag)


class GeneratedSchema:
    """The schema behind a module of classes that flatc generated.

    Args:
        module: the generated module, such as `ai_edge_litert.schema_py_generated`.
        unions: for each union field, as "Table.Field", the name of the enum of its tags, which
            the generated accessors do not mention.
    """

    def __init__(self, module: ModuleType, unions: Mapping[str, str]) -> None:
        self._module = module
        self._unions = unions
        self.fields = cache(self._fields)

    def _fields(self, table: str) -> tuple[Field, ...]:
        """The fields of a table by rising slot, as its accessors reveal them."""
        cls = getattr(self._module, table)
        fields = (_probe(cls, name, self._unions) for name in _accessors(cls))
        return tuple(sorted(fields, key=lambda field: field.slot))

    def member(self, union: str, tag: int) -> str | None:
        names = {value: name for name, value in vars(getattr(self._module, union)).items()}
        name = names.get(tag) if tag else None
        return name if name and hasattr(self._module, name) else None


class _Recorder:
    """Stands in for `flatbuffers.table.Table` and notes what an accessor asks of it."""

    Bytes = b""
    Pos = 0

    def __init__(self) -> None:
        self.slot = 0
        self.width = 4
        self.calls: set[str] = set()

    def Offset(self, slot: int) -> int:
        self.slot = slot
        return slot

    def Get(self, flags: Any, _position: int) -> Any:
        self.width = flags.bytewidth
        return flags.py_type(0)

    def Vector(self, _position: int) -> int:
        self.calls.add("vector")
        return 0

    def Indirect(self, _position: int) -> int:
        self.calls.add("table")
        return 0

    def String(self, _position: int) -> bytes:
        self.calls.add("string")
        return b""

    def Union(self, _table: object, _position: int) -> None:
        self.calls.add("union")


def _accessors(cls: type) -> Iterator[str]:
    """The names of the accessors of fields; those of a vector's length and the like are not."""
    methods = {name: f for name, f in vars(cls).items() if isinstance(f, FunctionType)}
    vectors = [name for name, f in methods.items() if f.__code__.co_argcount == 2]
    derived = {name + end for name in vectors for end in ("Length", "AsNumpy", "IsNone")}
    return (name for name in methods if name != "Init" and name not in derived)


def _probe(cls: type, name: str, unions: Mapping[str, str]) -> Field:
    """Run one accessor against a recorder, and read off what kind of field it reads."""
    recorder = _Recorder()
    instance: Any = cls()
    instance._tab = recorder
    method = getattr(instance, name)
    result = method(*[0] * (method.__func__.__code__.co_argcount - 1))
    if "union" in recorder.calls:
        return Field(name, recorder.slot, "union", table=unions[f"{cls.__name__}.{name}"])
    plural = "vector" in recorder.calls
    if "table" in recorder.calls:
        kind: Kind = "tables" if plural else "table"
        return Field(name, recorder.slot, kind, table=type(result).__name__)
    if "string" in recorder.calls:
        return Field(name, recorder.slot, "strings" if plural else "string")
    return Field(name, recorder.slot, "vector" if plural else "scalar", recorder.width)


def verify(data: bytes | memoryview, schema: Schema, root: str, file: str) -> None:
    """Check that everything the schema can reach in a FlatBuffer is in bounds.

    Args:
        data: the file from its first byte; trailing bytes are allowed.
        schema: the shape of its tables.
        root: the name of the root table.
        file: the file's name, for errors.

    Raises:
        InvalidModel: names the field and the byte at which it is wrong.
    """
    walk = _Walk(memoryview(data), schema, file)
    walk.root(root)


class _Walk:
    """One verification: the bytes and what is left of the budget."""

    def __init__(self, data: memoryview, schema: Schema, file: str) -> None:
        self.data = data
        self.size = min(len(data), MAX_FILE_BYTES)
        self.schema = schema
        self.file = file
        self.tables_left = min(MAX_TABLES, SPARE_TABLES + self.size // BYTES_PER_TABLE)
        self.bytes_left = SPARE_BYTES + SHARING * self.size

    def root(self, name: str) -> None:
        path = _Path(None, name)
        self.table(self.follow(0, path), name, path, 1)

    def fail(self, what: str, path: "_Path", position: int) -> NoReturn:
        raise InvalidModel(
            f"damaged file: {what}",
            f"{self.file}: {path} (byte {position})",
            "the file was truncated or altered; export or download it again",
        )

    def span(self, position: int, count: int, align: int, path: "_Path") -> None:
        """Check that `count` bytes from `position` exist and that it is aligned."""
        if not 0 <= position <= self.size - count:
            self.fail(f"an offset leads outside of its {self.size} bytes", path, position)
        if position % align:
            self.fail(f"an offset is not a multiple of {align}", path, position)

    def charge(self, count: int, path: "_Path", position: int) -> None:
        """Take the bytes of one visit from the budget."""
        self.bytes_left -= count
        if self.bytes_left < 0:
            self.fail("many of its offsets lead to the same place", path, position)

    def follow(self, position: int, path: "_Path") -> int:
        """The target of the unsigned offset stored at `position`."""
        self.span(position, 4, 4, path)
        target: int = position + _U32.unpack_from(self.data, position)[0]
        if target == position:
            self.fail("an offset leads to itself", path, position)
        return target

    def table(self, position: int, name: str, path: "_Path", depth: int) -> None:
        """Check one table, its vtable and all that its fields lead to."""
        self.tables_left -= 1
        if self.tables_left < 0:
            self.fail("many of its offsets lead to the same place", path, position)
        if depth > MAX_DEPTH:
            self.fail(f"its tables nest more than {MAX_DEPTH} deep", path, position)
        self.span(position, 4, 4, path)
        vtable: int = position - _I32.unpack_from(self.data, position)[0]
        self.span(vtable, 4, 2, path)
        length: int = _U16.unpack_from(self.data, vtable)[0]
        if length % 2 or length < 4:
            self.fail(f"a vtable states a length of {length}", path, vtable)
        self.span(vtable, length, 2, path)
        for field in self.schema.fields(name):
            offset = self.slot(vtable, length, field.slot)
            if offset:
                tag = 0
                if field.kind == "union" and (at := self.slot(vtable, length, field.slot - 2)):
                    tag = _U8.unpack_from(self.data, position + at)[0]
                self.field(field, position + offset, tag, path, depth)

    def slot(self, vtable: int, length: int, slot: int) -> int:
        """The offset of a field from its table; 0 when the field is absent."""
        offset: int = _U16.unpack_from(self.data, vtable + slot)[0] if slot < length else 0
        return offset

    def field(self, field: Field, position: int, tag: int, parent: "_Path", depth: int) -> None:
        """Check the field stored at `position` and what it leads to."""
        path = _Path(parent, field.name)
        match field.kind:
            case "scalar":
                self.span(position, field.width, field.width, path)
            case "table":
                self.table(self.follow(position, path), field.table, path, depth + 1)
            case "union":
                self.union(field, position, tag, path, depth)
            case "string":
                self.string(self.follow(position, path), path)
            case "vector":
                self.vector(self.follow(position, path), field.width, path)
            case "strings" | "tables":
                self.elements(field, self.follow(position, path), path, depth)

    def union(self, field: Field, position: int, tag: int, path: "_Path", depth: int) -> None:
        """Check a union's member; one with an unknown tag is opaque, and nobody may read it."""
        target = self.follow(position, path)
        member = self.schema.member(field.table, tag)
        if member is not None:
            self.table(target, member, path, depth + 1)

    def vector(self, position: int, width: int, path: "_Path") -> int:
        """Check a vector's bounds and return its number of elements."""
        self.span(position, 4, 4, path)
        count: int = _U32.unpack_from(self.data, position)[0]
        self.span(position + 4, count * width, 1, path)
        self.charge(count * width, path, position)
        return count

    def string(self, position: int, path: "_Path") -> None:
        """Check a string's bounds and the NUL after it."""
        end = position + 4 + self.vector(position, 1, path)
        self.span(end, 1, 1, path)
        if self.data[end]:
            self.fail("a string does not end in NUL", path, end)

    def elements(self, field: Field, position: int, path: "_Path", depth: int) -> None:
        """Check a vector of offsets to tables or strings."""
        for index in range(self.vector(position, 4, path)):
            item = _Path(path, f"[{index}]")
            target = self.follow(position + 4 + 4 * index, item)
            if field.kind == "strings":
                self.string(target, item)
            else:
                self.table(target, field.table, item, depth + 1)


@dataclass(frozen=True, slots=True)
class _Path:
    """The way from the root to a field; put into words only when there is something to report."""

    parent: "_Path | None"
    name: str

    def __str__(self) -> str:
        if self.parent is None:
            return self.name
        return f"{self.parent}{'' if self.name.startswith('[') else '.'}{self.name}"
