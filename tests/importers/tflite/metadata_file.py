"""Writes TFLite metadata for tests: the few tables that the reader reads, and their zip archive."""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import flatbuffers

IDENTIFIER = b"M001"


def table(builder: Any, fields: dict[int, tuple[str, Any]]) -> int:
    """A table: {index: (kind, value)} with kind "offset" or a flatbuffers scalar such as "Int8"."""
    builder.StartObject(max(fields, default=0) + 1)
    for index, (kind, value) in fields.items():
        if kind == "offset":
            builder.PrependUOffsetTRelativeSlot(index, value, 0)
        else:
            getattr(builder, f"Prepend{kind}Slot")(index, value, 0)
    return int(builder.EndObject())


def offsets(builder: Any, items: Sequence[int]) -> int:
    builder.StartVector(4, len(items), 4)
    for item in reversed(items):
        builder.PrependUOffsetTRelative(item)
    return int(builder.EndVector())


def floats(builder: Any, values: Sequence[float]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return int(builder.EndVector())


def normalised_image(builder: Any, mean: Sequence[float], std: Sequence[float]) -> int:
    """A TensorMetadata: a gray image, normalised."""
    image = table(builder, {0: ("Int8", 2)})
    content = table(builder, {0: ("Uint8", 2), 1: ("offset", image)})
    options = table(
        builder,
        {0: ("offset", floats(builder, mean)), 1: ("offset", floats(builder, std))},
    )
    unit = table(builder, {0: ("Uint8", 1), 1: ("offset", options)})
    units = offsets(builder, [unit])
    return table(builder, {3: ("offset", content), 4: ("offset", units)})


def labelled_scores(builder: Any, file: str, threshold: float) -> int:
    """A TensorMetadata: scores with a file of labels and a threshold."""
    name = builder.CreateString(file)
    files = offsets(builder, [table(builder, {0: ("offset", name), 2: ("Int8", 2)})])
    options = table(builder, {0: ("Float32", threshold)})
    unit = table(builder, {0: ("Uint8", 3), 1: ("offset", options)})
    units = offsets(builder, [unit])
    return table(builder, {4: ("offset", units), 6: ("offset", files)})


def metadata(
    mean: Sequence[float] = (127.5,), std: Sequence[float] = (127.5,), labels: str = "labels.txt"
) -> bytes:
    """The metadata of a model with one gray image and one tensor of scores."""
    builder = flatbuffers.Builder(256)
    name, author = builder.CreateString("a model"), builder.CreateString("someone")
    licence = builder.CreateString("Apache-2.0")
    inputs = offsets(builder, [normalised_image(builder, mean, std)])
    outputs = offsets(builder, [labelled_scores(builder, labels, 0.25)])
    graph = table(builder, {2: ("offset", inputs), 3: ("offset", outputs)})
    graphs = offsets(builder, [graph])
    root = table(
        builder,
        {
            0: ("offset", name),
            3: ("offset", graphs),
            4: ("offset", author),
            5: ("offset", licence),
        },
    )
    builder.Finish(root, file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def archive(files: dict[str, bytes]) -> bytes:
    """A zip archive to append to a .tflite file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return stream.getvalue()
