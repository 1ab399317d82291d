"""Which element types the kernels of builtin operators take, where they do not take all.

A file with another type would be refused by the runtime, or crash it, only on the user's device.
"""

from __future__ import annotations

from edgewright.exporters.tflite.records import Operator
from edgewright.graph import DType, TensorType

_QUANTISED = ("float32", "int8", "uint8", "int16")
_MOVED = (*_QUANTISED, "int32", "int64", "bool", "uint32")
_PIXELS = ("float32", "int8", "uint8", "int32", "int64")
_SPLIT = (*_QUANTISED, "int32", "int64")
#: types of the operand that carries the data; operators that are absent are checked by their rules
ACCEPTED: dict[str, tuple[str, ...]] = {
    "ARG_MAX": ("float32", "int8", "uint8", "int32", "bool"),
    "ARG_MIN": ("float32", "int8", "uint8", "int32", "bool"),
    "AVERAGE_POOL_2D": _QUANTISED,
    "BATCH_MATMUL": ("float32", "int8", "int16"),
    "CONCATENATION": _MOVED,
    "CONV_2D": _QUANTISED,
    "DEPTHWISE_CONV_2D": _QUANTISED,
    "DEPTH_TO_SPACE": _PIXELS,
    "FULLY_CONNECTED": _QUANTISED,
    "GATHER": _MOVED[:-1],
    "GATHER_ND": _MOVED[:-1],
    "MAX_POOL_2D": _QUANTISED,
    "PAD": _MOVED[:-1],
    "PADV2": _MOVED[:-1],
    "RESIZE_NEAREST_NEIGHBOR": _QUANTISED,
    "SOFTMAX": _QUANTISED,
    "SPACE_TO_DEPTH": _PIXELS,
    "SPLIT": _SPLIT,
    "SPLIT_V": _SPLIT,
    "TRANSPOSE_CONV": _QUANTISED,
}
#: operators that compute with narrow integers as quantised ones, so that they need a scale
_SCALED = ("AVERAGE_POOL_2D", "BATCH_MATMUL", "CONV_2D", "FULLY_CONNECTED", "MEAN", "SUM")
_DATA = {"SPLIT": 1, "TRANSPOSE_CONV": 2}
_NARROW = (DType.INT8, DType.UINT8, DType.INT16)


def refused(operator: Operator) -> TensorType | None:
    """The type of the operand that no kernel takes, or None."""
    tensor = operator.inputs[_DATA.get(operator.code, 0)] if operator.inputs else None
    if tensor is None:
        return None
    known = ACCEPTED.get(operator.code)
    plain = tensor.type.dtype in _NARROW and tensor.type.quant is None
    wrong = known is not None and tensor.type.dtype.value not in known
    return tensor.type if wrong or (plain and operator.code in _SCALED) else None
