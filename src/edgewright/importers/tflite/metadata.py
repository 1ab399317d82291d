"""What a .tflite file says about itself: the TFLite metadata in it, as a model contract.

The metadata is a FlatBuffer of its own in the metadata buffer `TFLITE_METADATA`; label files are in
a zip archive that is appended to the .tflite file. Neither is trusted: the FlatBuffer is verified
like the model, and the archive's members are read with a bound on their size.
"""

import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from flatbuffers.number_types import Float32Flags, Int8Flags, Uint8Flags
from flatbuffers.table import Table

from edgewright.data.contract import Contract, Input, ModelInfo, Output, parse_labels
from edgewright.errors import InvalidModel
from edgewright.importers.model_file import load_bytes
from edgewright.importers.tflite.flatbuffer import Field, WrittenSchema, verify
from edgewright.importers.tflite.reader import Subgraph, Tensor, TfliteModel, parse

BUFFER_NAME: Final = "TFLITE_METADATA"
IDENTIFIER: Final = b"M001"
MAX_LABEL_BYTES: Final = 1 << 24

AXIS_LABELS: Final = 2  # AssociatedFileType: labels of the positions along an axis
VALUE_LABELS: Final = 3  # AssociatedFileType: labels of the values in the tensor
IMAGE: Final = 2  # ContentProperties.ImageProperties
GRAYSCALE: Final = 2  # ColorSpaceType
BOUNDING_BOX: Final = 3  # ContentProperties.BoundingBoxProperties
NORMALIZATION: Final = 1  # ProcessUnitOptions.NormalizationOptions
THRESHOLDING: Final = 3  # ProcessUnitOptions.ScoreThresholdingOptions

# The part of tflite-support's metadata schema (M001) that is read. No package that we depend on
# ships its generated classes; the identifier pins the places of these fields.
SCHEMA: Final = WrittenSchema(
    tables={
        "ModelMetadata": (
            Field("name", 4, "string"),
            Field("description", 6, "string"),
            Field("version", 8, "string"),
            Field("subgraphs", 10, "tables", table="SubGraphMetadata"),
            Field("author", 12, "string"),
            Field("license", 14, "string"),
        ),
        "SubGraphMetadata": (
            Field("inputs", 8, "tables", table="TensorMetadata"),
            Field("outputs", 10, "tables", table="TensorMetadata"),
        ),
        "TensorMetadata": (
            Field("name", 4, "string"),
            Field("description", 6, "string"),
            Field("content", 10, "table", table="Content"),
            Field("process_units", 12, "tables", table="ProcessUnit"),
            Field("stats", 14, "table", table="Stats"),
            Field("files", 16, "tables", table="AssociatedFile"),
        ),
        "AssociatedFile": (
            Field("name", 4, "string"),
            Field("type", 8, "scalar", 1),
            Field("locale", 10, "string"),
        ),
        "Content": (
            Field("properties_type", 4, "scalar", 1),
            Field("properties", 6, "union", table="ContentProperties"),
        ),
        "ImageProperties": (Field("color_space", 4, "scalar", 1),),
        "ProcessUnit": (
            Field("options_type", 4, "scalar", 1),
            Field("options", 6, "union", table="ProcessUnitOptions"),
        ),
        "NormalizationOptions": (Field("mean", 4, "vector", 4), Field("std", 6, "vector", 4)),
        "ScoreThresholdingOptions": (Field("threshold", 4, "scalar", 4),),
        "Stats": (Field("max", 4, "vector", 4), Field("min", 6, "vector", 4)),
    },
    unions={
        "ContentProperties": {IMAGE: "ImageProperties"},
        "ProcessUnitOptions": {
            NORMALIZATION: "NormalizationOptions",
            THRESHOLDING: "ScoreThresholdingOptions",
        },
    },
)


_Table = TypeVar("_Table", Input, Output)


class _View:
    """A table of verified metadata, its fields by name."""

    def __init__(self, name: str, table: Table) -> None:
        self.table = table
        self.schema = {field.name: field for field in SCHEMA.fields(name)}

    def offset(self, name: str) -> int:
        """Where a field is stored, from the table's start; 0 when it is absent."""
        offset: int = self.table.Offset(self.schema[name].slot)
        return offset

    def text(self, name: str) -> str:
        """A string; empty when it is absent."""
        offset = self.offset(name)
        data: bytes = self.table.String(self.table.Pos + offset) if offset else b""
        return data.decode("utf-8", "replace").strip()

    def number(self, name: str, flags: Any) -> Any:
        """A scalar; 0 when it is absent."""
        offset = self.offset(name)
        return self.table.Get(flags, self.table.Pos + offset) if offset else 0

    def floats(self, name: str) -> tuple[float, ...]:
        """A vector of float32."""
        offset = self.offset(name)
        return tuple(self.table.GetVectorAsNumpy(Float32Flags, offset).tolist()) if offset else ()

    def child(self, name: str) -> "_View | None":
        """A table."""
        if not (offset := self.offset(name)):
            return None
        place = self.table.Indirect(self.table.Pos + offset)
        return _View(self.schema[name].table, Table(self.table.Bytes, place))

    def children(self, name: str) -> Iterator["_View"]:
        """A vector of tables."""
        if offset := self.offset(name):
            start = self.table.Vector(offset)
            for index in range(self.table.VectorLen(offset)):
                place = self.table.Indirect(start + 4 * index)
                yield _View(self.schema[name].table, Table(self.table.Bytes, place))

    def member(self, name: str) -> tuple[int, "_View | None"]:
        """The tag of a union, and its table when the schema knows it."""
        tag: int = self.number(f"{name}_type", Uint8Flags)
        table = SCHEMA.member(self.schema[name].table, tag)
        if table is None or not (offset := self.offset(name)):
            return tag, None
        made = Table(b"", 0)
        self.table.Union(made, offset)
        return tag, _View(table, made)


def contract_of(path: Path, inputs: Sequence[str], outputs: Sequence[str]) -> Contract:
    """What the metadata of a .tflite file says, for inputs and outputs that go by these names.

    Raises:
        InvalidModel: the file or its metadata is damaged.
    """
    data = load_bytes(path)
    found = read_contract(parse(data, path.name), data, path.name)
    return found.model_copy(
        update={"inputs": _named(found.inputs, inputs), "outputs": _named(found.outputs, outputs)}
    )


def _named(tables: tuple[_Table, ...], names: Sequence[str]) -> tuple[_Table, ...]:
    pairs = zip(tables, names, strict=False)
    return tuple(table.model_copy(update={"name": name}) for table, name in pairs)


def read_contract(model: TfliteModel, data: bytes, file: str) -> Contract:
    """What the metadata of a model says, as a contract; an empty one without metadata.

    Args:
        model: the model as the reader gives it.
        data: the whole file, for the archive of label files at its end.
        file: its name, for errors.

    Raises:
        InvalidModel: the metadata is damaged.
    """
    stored = model.metadata.get(BUFFER_NAME)
    if stored is None:
        return Contract()
    blob = stored.tobytes()
    where = f"{file}: metadata {BUFFER_NAME}"
    if blob[4:8] != IDENTIFIER:
        raise InvalidModel(f"its identifier is {blob[4:8]!r} instead of {IDENTIFIER!r}", where)
    verify(blob, SCHEMA, "ModelMetadata", where)
    root = Table(blob, 0)
    root.Pos = root.Indirect(0)
    return _contract(_View("ModelMetadata", root), model.subgraphs[0], LabelFiles(data))


def _contract(view: _View, graph: Subgraph, labels: "LabelFiles") -> Contract:
    """The contract of the first subgraph."""
    info = ModelInfo(
        name=view.text("name"),
        version=view.text("version"),
        author=view.text("author"),
        licence=view.text("license"),
        description=view.text("description"),
    )
    tables = next(view.children("subgraphs"), None)
    if tables is None:
        return Contract(model=info)
    inputs = zip(graph.inputs, tables.children("inputs"), strict=False)
    outputs = zip(graph.outputs, tables.children("outputs"), strict=False)
    return Contract(
        model=info,
        inputs=tuple(_input(graph.tensors[index], item) for index, item in inputs),
        outputs=tuple(_output(graph.tensors[index], item, labels) for index, item in outputs),
    )


def _input(tensor: Tensor, view: _View) -> Input:
    """An input; what the metadata does not say stays unset."""
    fields: dict[str, Any] = {"name": tensor.name}
    content = view.child("content")
    tag, properties = content.member("properties") if content else (0, None)
    if tag == IMAGE:
        fields["kind"] = "image"
        if properties and properties.number("color_space", Int8Flags) == GRAYSCALE:
            fields["colour"] = "gray"
    for unit in view.children("process_units"):
        tag, options = unit.member("options")
        if tag == NORMALIZATION and options:
            fields |= _normalisation(tensor, options.floats("mean"), options.floats("std"))
    return Input(**fields)


def _normalisation(
    tensor: Tensor, mean: tuple[float, ...], std: tuple[float, ...]
) -> dict[str, Any]:
    """Mean and scale of `(x - mean) / std`.

    A tensor of bytes takes the image's bytes as they are: there, by the format's own definition,
    quantisation undoes the normalisation.
    """
    if tensor.type == "UINT8":
        return {"values": "stored"}
    if not mean or not std or 0.0 in std:
        return {}
    return {"mean": mean, "scale": tuple(1.0 / value for value in std)}


def _output(tensor: Tensor, view: _View, labels: "LabelFiles") -> Output:
    """An output with the labels of its first label file."""
    fields: dict[str, Any] = {"name": tensor.name}
    content = view.child("content")
    if content and content.number("properties_type", Uint8Flags) == BOUNDING_BOX:
        fields["kind"] = "boxes"
    for file in view.children("files"):
        kind = file.number("type", Int8Flags)
        if kind == AXIS_LABELS and len(tensor.shape) <= 2:
            fields["kind"] = "classes"
        if kind in (AXIS_LABELS, VALUE_LABELS) and "labels" not in fields:
            found = labels.read(file.text("name"))
            # Some files name another file (a vocabulary) here: labels of an axis must fit it.
            if found and (kind == VALUE_LABELS or tensor.shape[-1:] == (len(found),)):
                fields["labels"] = found
    for unit in view.children("process_units"):
        tag, options = unit.member("options")
        if tag == THRESHOLDING and options:
            fields["score_threshold"] = options.number("threshold", Float32Flags)
    return Output(**fields)


class LabelFiles:
    """The label files in the zip archive at the end of a .tflite file."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, name: str) -> tuple[str, ...]:
        """The labels in a file; none when it is absent, too large or damaged."""
        try:
            with zipfile.ZipFile(io.BytesIO(self.data)) as archive:
                info = archive.getinfo(name)
                if info.file_size > MAX_LABEL_BYTES:
                    return ()
                with archive.open(info) as file:
                    return parse_labels(file.read(MAX_LABEL_BYTES).decode("utf-8", "replace"))
        except Exception:  # zipfile raises many kinds on damaged archives
            return ()  # labels are a convenience: without them the classes are numbers
