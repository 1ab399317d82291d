"""ONNX tensors and types as NumPy arrays and IR types."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from edgewright.errors import InvalidModel, UnsupportedModel
from edgewright.graph import Array, DType

DTYPES: dict[int, DType] = {
    TensorProto.BOOL: DType.BOOL,
    TensorProto.INT4: DType.INT4,
    TensorProto.UINT4: DType.UINT4,
    TensorProto.INT8: DType.INT8,
    TensorProto.UINT8: DType.UINT8,
    TensorProto.INT16: DType.INT16,
    TensorProto.UINT16: DType.UINT16,
    TensorProto.INT32: DType.INT32,
    TensorProto.UINT32: DType.UINT32,
    TensorProto.INT64: DType.INT64,
    TensorProto.FLOAT16: DType.FLOAT16,
    TensorProto.BFLOAT16: DType.BFLOAT16,
    TensorProto.FLOAT: DType.FLOAT32,
    TensorProto.DOUBLE: DType.FLOAT64,
}


def dtype_of(elem_type: int, what: str, where: object = None) -> DType:
    """The IR's element type. Raises UnsupportedModel for strings, float8, …"""
    if elem_type not in DTYPES:
        known = elem_type in TensorProto.DataType.values()
        name = TensorProto.DataType.Name(elem_type) if known else str(elem_type)
        raise UnsupportedModel(
            f"{what} has element type {name}", where, "use a numeric type of at most 64 bits"
        )
    return DTYPES[elem_type]


def array_of(tensor: onnx.TensorProto, where: object = None) -> tuple[Array, DType]:
    """The elements of a tensor, held as the IR holds them (bfloat16 in uint16, int4 in int8)."""
    dtype = dtype_of(tensor.data_type, f"tensor {tensor.name!r}", where)
    try:
        array = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InvalidModel(f"tensor {tensor.name!r} cannot be read: {error}", where) from None
    if dtype is DType.BFLOAT16:
        array = array.view(np.uint16)
    return np.ascontiguousarray(array, dtype.numpy).reshape(array.shape), dtype
