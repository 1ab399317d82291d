"""TFLite metadata from the model contract: who made the model, and what its tensors mean.

The metadata is a FlatBuffer of its own (tflite-support's schema, identifier M001) in the metadata
buffer `TFLITE_METADATA`; label files are in a zip archive that is appended to the model, without
times. The generated classes are in no package that we depend on, so tables are written by their
field numbers, which the identifier pins.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any

from edgewright.data.contract import Contract, Input, Output
from edgewright.graph import DType, Graph, Quant, Value

BUFFER_NAME = "TFLITE_METADATA"
IDENTIFIER = b"M001"
PARSER_VERSION = "1.0.0"
RUNTIME_BUFFER = "min_runtime_version"
_RUNTIME_BYTES = 16  # of that buffer, as TensorFlow's converter writes it
_EPOCH = (1980, 1, 1, 0, 0, 0)

# Numbers of the schema's enums and unions.
AXIS_LABELS = 2
FEATURES, IMAGE, BOXES, AUDIO = 1, 2, 3, 4
RGB, GRAYSCALE = 1, 2
NORMALIZATION, THRESHOLDING = 1, 3

Field = tuple[str, Any]


class Metadata:
    """What a contract says about `main`, as TFLite metadata.

    Attributes:
        content: the FlatBuffer; empty when the contract says nothing that it could hold.
        files: the label files by name.
        notes: what it cannot hold.
    """

    def __init__(self, contract: Contract, main: Graph) -> None:
        import flatbuffers

        self.builder = flatbuffers.Builder(1 << 10)
        self.files: dict[str, str] = {}
        self.notes: list[str] = []
        self.content = b""
        inputs = [contract.input(v.name, i) for i, v in enumerate(main.inputs)]
        outputs = [contract.output(v.name, i) for i, v in enumerate(main.outputs)]
        if not _says_something(contract, inputs, outputs):
            return
        ins = [self._input(v, t) for v, t in zip(main.inputs, inputs, strict=True)]
        pairs = zip(main.outputs, outputs, strict=True)
        outs = [self._output(v, t, i) for i, (v, t) in enumerate(pairs)]
        graph = self._table({2: self._offsets(ins), 3: self._offsets(outs)})
        self.builder.Finish(self._model(contract, graph), file_identifier=IDENTIFIER)
        self.content = bytes(self.builder.Output())

    def _model(self, contract: Contract, graph: int) -> int:
        info = contract.model
        texts = {0: info.name, 1: info.description, 2: info.version}
        texts |= {4: info.author, 5: info.licence}
        fields = {place: self._text(text) for place, text in texts.items() if text}
        graphs, parser = self._offsets([graph]), self._text(PARSER_VERSION)
        return self._table({**fields, 3: graphs, 7: parser})

    # -- tensors ----------------------------------------------------------------------------------

    def _input(self, value: Value, table: Input) -> int:
        units = []
        numbers = _normalisation(value, table)
        if numbers is not None:
            mean, deviation = (self._floats(n) for n in numbers)
            units.append(self._unit(NORMALIZATION, self._table({0: mean, 1: deviation})))
        if table.colour == "bgr":
            self.notes.append(f"metadata cannot say that '{value.name}' takes BGR images")
        kinds = {"image": IMAGE, "audio": AUDIO, "features": FEATURES}
        tag = kinds.get(table.kind, 0)
        properties: dict[int, int | Field] = {}
        if tag == IMAGE and table.colour != "bgr":
            properties[0] = ("Int8", GRAYSCALE if _is_gray(value, table) else RGB)
        if tag == AUDIO and table.sample_rate:
            properties[0] = ("Uint32", table.sample_rate)
        return self._tensor(value.name, tag, properties, units, [])

    def _output(self, value: Value, table: Output, place: int) -> int:
        units, files = [], []
        if table.labels:
            name = f"labels_{place}.txt" if place else "labels.txt"
            self.files[name] = "\n".join(table.labels) + "\n"
            label: dict[int, int | Field] = {0: self._text(name), 2: ("Int8", AXIS_LABELS)}
            files.append(self._table(label))
        if table.score_threshold is not None:
            threshold = self._table({0: ("Float32", table.score_threshold)})
            units.append(self._unit(THRESHOLDING, threshold))
        return self._tensor(value.name, BOXES if table.kind == "boxes" else 0, {}, units, files)

    def _tensor(
        self,
        name: str,
        tag: int,
        properties: dict[int, int | Field],
        units: Sequence[int],
        files: Sequence[int],
    ) -> int:
        fields: dict[int, int | Field] = {0: self._text(name)}
        if tag:
            held = self._table(properties)
            fields[3] = self._table({0: ("Uint8", tag), 1: held})
        if units:
            fields[4] = self._offsets(units)
        if files:
            fields[6] = self._offsets(files)
        return self._table(fields)

    def _unit(self, tag: int, options: int) -> int:
        return self._table({0: ("Uint8", tag), 1: options})

    # -- FlatBuffers ------------------------------------------------------------------------------

    def _table(self, fields: dict[int, int | Field]) -> int:
        """A table: fields by number, each the offset of something or (scalar kind, value)."""
        self.builder.StartObject(max(fields, default=-1) + 1)
        for place, held in fields.items():
            if isinstance(held, int):
                self.builder.PrependUOffsetTRelativeSlot(place, held, 0)
            else:
                getattr(self.builder, f"Prepend{held[0]}Slot")(place, held[1], 0)
        return int(self.builder.EndObject())

    def _text(self, text: str) -> int:
        return int(self.builder.CreateString(text))

    def _offsets(self, items: Sequence[int]) -> int:
        self.builder.StartVector(4, len(items), 4)
        for item in reversed(items):
            self.builder.PrependUOffsetTRelative(item)
        return int(self.builder.EndVector())

    def _floats(self, values: Sequence[float]) -> int:
        self.builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.builder.PrependFloat32(value)
        return int(self.builder.EndVector())


def _says_something(contract: Contract, inputs: Iterable[Input], outputs: Iterable[Output]) -> bool:
    """Whether there is anything to store beside names."""
    info = contract.model
    told = any([info.name, info.description, info.version, info.author, info.licence])
    told |= any(table.kind != "array" or table.is_normalised for table in inputs)
    told |= any(table.kind != "array" or bool(table.labels) for table in outputs)
    return told or any(table.score_threshold is not None for table in outputs)


def _normalisation(
    value: Value, table: Input
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and standard deviation; bytes that are taken as they are undo the quantisation."""
    quant = value.type.quant
    if table.values == "stored":
        if quant is None or value.type.dtype is not DType.UINT8:
            return None
        return _undone(quant)
    if not table.is_normalised:
        return None
    return tuple(table.mean), tuple(1.0 / scale for scale in table.scale)


def _undone(quant: Quant) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return (float(quant.zero[0]),), (1.0 / quant.scale[0],)


def _is_gray(value: Value, table: Input) -> bool:
    channels = value.type.shape[1 if table.layout == "nchw" else -1] if value.type.rank else 0
    return table.colour == "gray" or (table.colour is None and channels == 1)


def runtime_version(minimum: str) -> bytes:
    """The content of the buffer that names the oldest runtime."""
    number = minimum.removeprefix("TFLite ")
    full = number if number.count(".") > 1 else f"{number}.0"
    return full.encode().ljust(_RUNTIME_BYTES, b"\0")


def with_files(model: bytes, files: dict[str, str]) -> bytes:
    """A model with files in a zip archive behind it; the model itself where there are none."""
    if not files:
        return model
    whole = io.BytesIO(model)
    with zipfile.ZipFile(whole, "a", zipfile.ZIP_STORED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text.encode())
    return whole.getvalue()
