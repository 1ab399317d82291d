import struct
from types import SimpleNamespace

import pytest
from ai_edge_litert import schema_py_generated

from edgewright.errors import InvalidModel
from edgewright.importers.tflite.flatbuffer import Field, GeneratedSchema, WrittenSchema, verify
from edgewright.importers.tflite.reader import UNIONS
from tests.importers.tflite.builder import conv_bytes

SCHEMA = GeneratedSchema(schema_py_generated, UNIONS)
TABLES = [
    name
    for name, cls in vars(schema_py_generated).items()
    if isinstance(cls, type) and hasattr(cls, "Init")
]
# A tree of tables, which may nest, share and loop as the test wants.
TREE = WrittenSchema({"Tree": (Field("Children", 4, "tables", table="Tree"),)}, {})


def u32(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


def test_every_table_of_the_installed_schema_is_understood() -> None:
    assert len(TABLES) > 150
    for table in TABLES:
        slots = [field.slot for field in SCHEMA.fields(table)]
        assert slots == sorted(set(slots))


def test_kinds_are_read_off_the_accessors() -> None:
    fields = {field.name: field for field in SCHEMA.fields("Tensor")}
    assert fields["Shape"] == Field("Shape", 4, "vector", 4)
    assert fields["Type"] == Field("Type", 6, "scalar", 1)
    assert fields["Name"].kind == "string"
    assert fields["Quantization"] == Field(
        "Quantization", 12, "table", table="QuantizationParameters"
    )
    assert fields["VariantTensors"].kind == "tables"
    (union,) = [f for f in SCHEMA.fields("Operator") if f.name == "BuiltinOptions"]
    assert union == Field("BuiltinOptions", 12, "union", table="BuiltinOptions")


def test_union_members() -> None:
    tag = schema_py_generated.BuiltinOptions.Conv2DOptions
    assert SCHEMA.member("BuiltinOptions", tag) == "Conv2DOptions"
    assert SCHEMA.member("BuiltinOptions", 0) is None
    assert SCHEMA.member("BuiltinOptions", 255) is None


def test_a_sound_file_passes() -> None:
    verify(conv_bytes(), SCHEMA, "Model", "conv.tflite")


def test_every_truncation_is_found() -> None:
    data = conv_bytes()
    for length in range(len(data) - 1):
        with pytest.raises(InvalidModel, match="damaged file"):
            verify(data[:length], SCHEMA, "Model", "cut.tflite")


def leaf_tree() -> bytes:
    """Root offset, a vtable without fields at 4, a table without fields at 8."""
    return u32(8) + struct.pack("<HH", 4, 4) + struct.pack("<i", 4)


def test_a_table_without_fields_passes() -> None:
    verify(leaf_tree(), TREE, "Tree", "leaf")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "outside"),
        (u32(0), "leads to itself"),
        (u32(4), "outside"),
        (u32(2**32 - 4), "outside"),
        (u32(6) + b"\0\0" + struct.pack("<HHi", 4, 4, 4), "not a multiple of 4"),
        (u32(8) + struct.pack("<HHi", 4, 4, 2**31 - 1), "outside"),
        (u32(8) + struct.pack("<HHi", 4, 4, 3), "not a multiple of 2"),
        (u32(8) + struct.pack("<HHi", 5, 4, 4), "length of 5"),
        (u32(8) + struct.pack("<HHi", 2, 4, 4), "length of 2"),
        (u32(8) + struct.pack("<HHi", 64, 4, 4), "outside"),
    ],
)
def test_a_damaged_table(data: bytes, what: str) -> None:
    with pytest.raises(InvalidModel, match=what):
        verify(data, TREE, "Tree", "damaged")


def table_with_vector(vector: bytes) -> bytes:
    """A root table whose only field leads to `vector`, at byte 20."""
    return u32(12) + struct.pack("<HHHHiI", 6, 8, 4, 0, 8, 4) + vector


def written(kind: str, width: int = 4) -> WrittenSchema:
    return WrittenSchema({"T": (Field("Field", 4, kind, width),)}, {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "vector", "what"),
    [
        ("vector", u32(2**32 - 1), "outside"),
        ("vector", u32(2, 0), "outside"),
        ("string", u32(4) + b"abcd", "outside"),
        ("string", u32(4) + b"abcde", "NUL"),
        ("strings", u32(1, 400), "outside"),
        ("strings", u32(1, 0), "leads to itself"),
    ],
)
def test_a_damaged_vector(kind: str, vector: bytes, what: str) -> None:
    with pytest.raises(InvalidModel, match=what):
        verify(table_with_vector(vector), written(kind, 4), "T", "damaged")


def test_sound_vectors_pass() -> None:
    verify(table_with_vector(u32(2, 7, 8)), written("vector"), "T", "sound")
    verify(table_with_vector(u32(4) + b"abcd\0"), written("string", 1), "T", "sound")
    verify(table_with_vector(u32(1, 4, 2) + b"ab\0"), written("strings"), "T", "sound")


def test_a_scalar_must_be_aligned() -> None:
    data = table_with_vector(u32(0, 0))
    verify(data, written("scalar", 8), "T", "aligned at 16")
    moved = u32(12) + struct.pack("<HHHHiI", 6, 8, 6, 0, 8, 4) + u32(0, 0)
    with pytest.raises(InvalidModel, match="not a multiple of 8"):
        verify(moved, written("scalar", 8), "T", "unaligned")


def chain(length: int) -> bytes:
    """Tables that each hold one child: they nest `length` deep."""
    data = bytearray(u32(12) + struct.pack("<HHHH", 6, 8, 4, 0))
    for index in range(length):
        data += struct.pack("<i", len(data) - 4)
        last = index == length - 1
        data += u32(4, 0) if last else u32(4, 1, 4)
    return bytes(data)


def test_nesting_is_bounded() -> None:
    verify(chain(60), TREE, "Tree", "deep")
    with pytest.raises(InvalidModel, match="nest more than 64 deep"):
        verify(chain(70), TREE, "Tree", "too deep")


def shared_tree(levels: int, fan: int) -> bytes:
    """Each table's children are all the same table: fan**levels visits in a few bytes."""
    blocks = bytearray()
    start = 12
    size = 12 + 4 * fan
    for level in range(levels):
        at = start + len(blocks)
        blocks += struct.pack("<i", at - 4) + u32(4, fan)
        target = at + size
        blocks += u32(*(target - (at + 12 + 4 * i) for i in range(fan)))
        if level == levels - 1:
            end = start + len(blocks)
            blocks += struct.pack("<i", end - 4) + u32(4, 0)
    return u32(12) + struct.pack("<HHHH", 6, 8, 4, 0) + bytes(blocks)


def test_shared_offsets_do_not_multiply_the_work() -> None:
    verify(shared_tree(2, 8), TREE, "Tree", "a little sharing")
    bomb = shared_tree(8, 64)  # 64**8 visits, had they no budget
    assert len(bomb) < 3_000
    with pytest.raises(InvalidModel, match="same place"):
        verify(bomb, TREE, "Tree", "bomb")


def test_shared_single_children_do_not_multiply_the_work() -> None:
    """A chain of tables whose left and right child are the same: 2**50 visits."""
    fields = (Field("Left", 4, "table", table="Pair"), Field("Right", 6, "table", table="Pair"))
    data = bytearray(u32(16) + struct.pack("<HHHHHH", 8, 12, 4, 8, 0, 0))
    for _ in range(50):
        data += struct.pack("<i", len(data) - 4) + u32(8, 4)
    data += struct.pack("<i", -4) + struct.pack("<HH", 4, 4)
    with pytest.raises(InvalidModel, match="same place"):
        verify(bytes(data), WrittenSchema({"Pair": fields}, {}), "Pair", "bomb")


def test_shared_vectors_do_not_multiply_the_work() -> None:
    """A thousand strings that are all the same long one."""
    count, long = 1_000, 100_000
    offsets = [4 * (count - index) for index in range(count)]
    vector = u32(count, *offsets) + u32(long) + bytes(long + 1)
    with pytest.raises(InvalidModel, match="same place"):
        verify(table_with_vector(vector), written("strings"), "T", "bomb")


def test_the_error_says_where() -> None:
    data = bytearray(conv_bytes())
    at = data.index(b"main") - 4
    data[at : at + 4] = u32(2**31)
    with pytest.raises(InvalidModel) as caught:
        verify(bytes(data), SCHEMA, "Model", "conv.tflite")
    assert caught.value.where == f"conv.tflite: Model.Subgraphs[0].Name (byte {at + 4})"


def test_a_union_that_nobody_mapped_is_noticed() -> None:
    module = SimpleNamespace(Operator=schema_py_generated.Operator)
    with pytest.raises(KeyError, match="BuiltinOptions"):
        GeneratedSchema(module, {}).fields("Operator")  # type: ignore[arg-type]
