"""The tensors stored in an ONNX file, or in files beside it: their data is as long as they say."""

from math import prod
from pathlib import Path
from typing import Final

import onnx
from onnx import TensorProto, helper

from edgewright.errors import InvalidModel, UnsupportedModel
from edgewright.importers.model_file import MAX_FILE_BYTES

MAX_RANK: Final = 64  # NumPy's
_TYPED_FIELDS: Final = (
    "float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data",
)  # fmt: skip
# Types of less than a byte share one; the number is how many bits each takes.
_PACKED_BITS: Final = {"UINT4": 4, "INT4": 4, "FLOAT4E2M1": 4, "UINT2": 2, "INT2": 2}


def type_name(tensor: TensorProto, where: str) -> str:
    """The name of a tensor's element type.

    Raises:
        InvalidModel: the installed onnx package knows no such type.
    """
    number = tensor.data_type
    if number == TensorProto.UNDEFINED or number not in TensorProto.DataType.values():
        raise InvalidModel(f"unknown element type {number}", where)
    return str(TensorProto.DataType.Name(number))


def element_bits(data_type: int) -> int:
    """Bits per element of an ONNX type as stored; strings count as one byte."""
    name = TensorProto.DataType.Name(data_type)
    if name in _PACKED_BITS:
        return _PACKED_BITS[name]
    itemsize: int = helper.tensor_dtype_to_np_dtype(data_type).itemsize
    return 8 if name == "STRING" else 8 * itemsize


def stored_bytes(tensor: TensorProto, where: str) -> int:
    """The bytes that a tensor's dims and type call for.

    Raises:
        InvalidModel: the type is unknown, a dim is negative, or they call for more than 2 GiB.
    """
    type_name(tensor, where)
    if len(tensor.dims) > MAX_RANK or any(dim < 0 for dim in tensor.dims):
        raise InvalidModel(f"impossible dims {list(tensor.dims[:MAX_RANK])}", where)
    count: int = prod(tensor.dims)
    size = -(-count * element_bits(tensor.data_type) // 8)
    if size > MAX_FILE_BYTES:
        raise InvalidModel(f"dims {list(tensor.dims)} call for {size} bytes", where)
    return size


class StoredTensors:
    """Checks the tensors of one model, and loads those that are in other files.

    Args:
        folder: the model's folder, which holds its external data.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loaded_bytes = 0

    def check(self, tensor: TensorProto, where: str) -> None:
        """Check one tensor's data against its dims; external data is read into `raw_data`.

        Raises:
            InvalidModel: they contradict each other, or the external file is not as stated.
            UnsupportedModel: the tensor is split into segments.
        """
        where = f"{where}, tensor {tensor.name!r}" if tensor.name else where
        expected = stored_bytes(tensor, where)
        if tensor.HasField("segment"):
            raise UnsupportedModel("tensors in segments are not supported", where)
        if tensor.data_location == TensorProto.EXTERNAL:
            self.load(tensor, expected, where)
            return
        fields = [name for name in _TYPED_FIELDS if len(getattr(tensor, name))]
        if tensor.HasField("raw_data") and (tensor.raw_data or not fields):
            _check_raw(tensor, expected, fields, where)
        else:
            _check_typed(tensor, fields, where)

    def load(self, tensor: TensorProto, expected: int, where: str) -> None:
        """Read a tensor's external data into the tensor."""
        entries = {entry.key: entry.value for entry in tensor.external_data}
        path = self.external_path(entries.get("location", ""), where)
        offset = _entry_number(entries, "offset", 0, where)
        length = _entry_number(entries, "length", expected, where)
        if length != expected:
            raise InvalidModel(
                f"its dims call for {expected} bytes, but {length} are stated", where
            )
        self.loaded_bytes += expected
        if self.loaded_bytes > MAX_FILE_BYTES:
            raise UnsupportedModel("the external data is larger than 2 GiB", where)
        if offset + length > path.stat().st_size:
            raise InvalidModel(
                f"bytes {offset} to {offset + length} are beyond the end of {path.name}",
                where,
                "the data file is truncated or belongs to another model; export both again",
            )
        with path.open("rb") as file:
            file.seek(offset)
            tensor.raw_data = file.read(length)
        tensor.data_location = TensorProto.DEFAULT
        del tensor.external_data[:]

    def external_path(self, location: str, where: str) -> Path:
        """The file that holds external data: one in the model's folder, links included."""
        help = "keep the data file beside the model, and name it relative to the model"
        folder = self.folder.resolve()
        try:
            path = (folder / location).resolve()
            if not location or not path.is_relative_to(folder) or Path(location).is_absolute():
                raise InvalidModel(
                    f"external data outside of the folder: {location!r}", where, help
                )
            if not path.is_file():
                raise InvalidModel(f"no external data file {location!r}", where, help)
        except (OSError, ValueError, RuntimeError):  # RuntimeError: links in a circle
            raise InvalidModel(
                f"external data at {location!r} cannot be read", where, help
            ) from None
        return path


def _entry_number(entries: dict[str, str], key: str, default: int, where: str) -> int:
    """A number in a tensor's external-data entries."""
    text = entries.get(key, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise InvalidModel(f"{key} {text!r} of the external data is not a number", where)
    return int(text)


def _check_raw(tensor: TensorProto, expected: int, fields: list[str], where: str) -> None:
    if fields:
        raise InvalidModel(f"data both in raw_data and in {fields[0]}", where)
    if tensor.data_type == TensorProto.STRING:
        raise InvalidModel("strings in raw_data", where)
    if len(tensor.raw_data) != expected:
        raise InvalidModel(
            f"dims {list(tensor.dims)} call for {expected} bytes, its data has "
            f"{len(tensor.raw_data)}",
            where,
            "the file is damaged; export the model again",
        )


def _check_typed(tensor: TensorProto, fields: list[str], where: str) -> None:
    """Check the number of values in the field that belongs to the tensor's type."""
    field = helper.tensor_dtype_to_field(tensor.data_type)
    if any(name != field for name in fields):
        kind = type_name(tensor, where)
        raise InvalidModel(f"values of type {kind} in {fields[0]} instead of {field}", where)
    expected = prod(tensor.dims)
    name = onnx.TensorProto.DataType.Name(tensor.data_type)
    if name in _PACKED_BITS:
        expected = -(-expected * _PACKED_BITS[name] // 8)
    elif name.startswith("COMPLEX"):
        expected *= 2
    if (count := len(getattr(tensor, field))) != expected:
        raise InvalidModel(
            f"dims {list(tensor.dims)} call for {expected} values, its data has {count}",
            where,
            "the file is damaged; export the model again",
        )
