"""Operator versions: the lowest that has what an operator uses, and the oldest runtime with it.

A runtime refuses a file whose operators have versions that it does not know, so each operator gets
the lowest that suits it. The facts are those that TensorFlow publishes with its versioning tools.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from edgewright.exporters.tflite.records import Operator

#: version by the element type of the first input; what is absent is version 1
_INT8_2 = {"int8": 2}
_INT8_2_INT16_3 = {"int8": 2, "int16": 3}
BY_TYPE: dict[str, dict[str, int]] = {
    "ABS": {"int8": 2, "uint8": 2, "int16": 3, "int32": 5},
    "ADD": {"int8": 2, "int16": 3, "int64": 4},
    "ARG_MAX": {"int8": 2, "bool": 3},
    "ARG_MIN": {"int8": 2, "bool": 3},
    "AVERAGE_POOL_2D": _INT8_2_INT16_3,
    "BATCH_MATMUL": _INT8_2_INT16_3,
    "CONCATENATION": {"int8": 2, "int16": 3, "uint32": 4},
    "DEPTH_TO_SPACE": _INT8_2,
    "EQUAL": {"int8": 2, "int16": 4},
    "EXP": {"int8": 2, "int16": 2},
    "FLOOR_DIV": {"float32": 2, "int8": 3, "int16": 3},
    "FLOOR_MOD": {"int8": 2, "int16": 2},
    "GATHER_ND": {"int16": 3, "bool": 5},
    "GELU": {"int8": 2, "uint8": 2},
    "GREATER": _INT8_2,
    "GREATER_EQUAL": _INT8_2_INT16_3,
    "LEAKY_RELU": {"int16": 2},
    "LESS": _INT8_2_INT16_3,
    "LESS_EQUAL": _INT8_2,
    "LOG": {"int8": 2, "int16": 2},
    "LOGISTIC": _INT8_2_INT16_3,
    "LOG_SOFTMAX": _INT8_2,
    "MAX_POOL_2D": _INT8_2_INT16_3,
    "MEAN": _INT8_2_INT16_3,
    "MIRROR_PAD": _INT8_2_INT16_3,
    "MUL": {"int8": 2, "int16": 4, "int64": 5},
    "NOT_EQUAL": _INT8_2,
    "PACK": _INT8_2_INT16_3,
    "REDUCE_MAX": _INT8_2_INT16_3,
    "REDUCE_MIN": _INT8_2_INT16_3,
    "REDUCE_PROD": {"int8": 2, "int16": 2},
    "RELU": {"int8": 2, "uint8": 2, "int16": 3},
    "RELU6": _INT8_2_INT16_3,
    "RSQRT": _INT8_2_INT16_3,
    "SELECT": _INT8_2,
    "SIGN": {"int32": 2},
    "SOFTMAX": _INT8_2_INT16_3,
    "SPACE_TO_DEPTH": _INT8_2,
    "SPLIT_V": _INT8_2,
    "SQUARED_DIFFERENCE": _INT8_2,
    "SUB": {"int8": 2, "int64": 4, "int16": 5},
    "SUM": _INT8_2,
    "TANH": _INT8_2_INT16_3,
    "TILE": {"int8": 3},
    "UNPACK": {"int8": 2, "uint8": 2, "bool": 3, "int16": 4},
}

#: TensorFlow releases by operator, one for each version from 1 up
RELEASES: dict[str, str] = {
    "ABS": "1.13 2.4 2.5 2.6 2.12",
    "ADD": "1.5 1.14 2.4 2.6 2.13",
    "ARG_MAX": "1.9 1.14 2.9",
    "ARG_MIN": "1.9 1.14 2.9",
    "ASSIGN_VARIABLE": "2.6",
    "AVERAGE_POOL_2D": "1.5 1.14 2.3",
    "BATCH_MATMUL": "2.3 2.3 2.4 2.5",
    "BATCH_TO_SPACE_ND": "1.6 1.14 2.3 2.12",
    "BROADCAST_TO": "2.5 2.5 2.5",
    "CALL_ONCE": "2.5",
    "CAST": "1.5 2.7 2.8 2.9 2.12 2.14 2.17",
    "CEIL": "1.14",
    "CONCATENATION": "1.5 1.14 2.3 2.14",
    "CONV_2D": "1.5 1.14 1.14 2.3 2.4 2.9 2.11 2.15",
    "COS": "1.14",
    "DEPTHWISE_CONV_2D": "1.5 1.12 1.14 2.2 2.3 2.3 2.11",
    "DEPTH_TO_SPACE": "2.1 2.5",
    "DEQUANTIZE": "1.13.1 1.14 1.15 2.2 2.7 2.18",
    "DIV": "1.6 2.3",
    "ELU": "1.14",
    "EQUAL": "1.14 1.14 2.3 2.14",
    "EXP": "1.7 2.12",
    "FLOOR": "1.9",
    "FLOOR_DIV": "1.14 1.14 2.13",
    "FLOOR_MOD": "1.13 2.13",
    "FULLY_CONNECTED": "1.5 1.10 1.14 1.14 2.0 2.1 2.3 2.3 2.3 2.11 2.15 2.17",
    "GATHER": "1.6 1.14 1.15 2.4 2.5 2.13 2.15",
    "GATHER_ND": "1.14 2.3 2.5 2.13 2.16",
    "GELU": "2.9 2.9",
    "GREATER": "1.14 1.14",
    "GREATER_EQUAL": "1.14 1.14 2.14",
    "HARD_SWISH": "1.15",
    "IF": "1.15",
    "LEAKY_RELU": "1.13.1 2.3",
    "LESS": "1.14 1.14 2.14",
    "LESS_EQUAL": "1.14 1.14",
    "LOG": "1.14 2.12",
    "LOGICAL_AND": "1.11",
    "LOGICAL_NOT": "1.11",
    "LOGICAL_OR": "1.11",
    "LOGISTIC": "1.14 1.14 2.3",
    "LOG_SOFTMAX": "1.14 1.14",
    "MAXIMUM": "1.14 1.14 2.3 2.3",
    "MAX_POOL_2D": "1.5 1.14 2.3",
    "MEAN": "1.6 1.14 2.4",
    "MINIMUM": "1.14 1.14 2.3 2.3",
    "MIRROR_PAD": "1.13.1 2.3 2.12",
    "MUL": "1.5 1.14 1.15 2.3 2.6 2.11 2.13",
    "NEG": "1.9",
    "NOT_EQUAL": "1.14 1.14 2.3",
    "PACK": "1.11 1.14 2.3 2.14",
    "PAD": "1.5 1.14 2.4 2.6",
    "PADV2": "1.9 1.14 2.4 2.6",
    "POW": "1.10",
    "PRELU": "1.8",
    "QUANTIZE": "1.14 1.15 2.7 2.16",
    "READ_VARIABLE": "2.6",
    "REDUCE_MAX": "1.11 1.14 2.5",
    "REDUCE_MIN": "1.11 1.14 2.5",
    "REDUCE_PROD": "1.11 2.6",
    "RELU": "1.5 2.1 2.5",
    "RELU6": "1.5 1.14 2.5",
    "RELU_0_TO_1": "2.10",
    "RELU_N1_TO_1": "1.5",
    "RESHAPE": "1.5",
    "RESIZE_BILINEAR": "1.7 1.14 2.2 2.5",
    "RESIZE_NEAREST_NEIGHBOR": "1.13.1 1.14 2.3 2.4",
    "ROUND": "1.14",
    "RSQRT": "1.10 2.5 2.12",
    "SELECT": "1.14 1.14 2.11 2.14",
    "SELECT_V2": "2.2 2.14",
    "SHAPE": "1.10",
    "SIGN": "2.11 2.12",
    "SIN": "1.9",
    "SLICE": "1.14 1.14 1.14 2.4 2.5 2.13",
    "SOFTMAX": "1.5 1.14 2.3",
    "SPACE_TO_BATCH_ND": "1.6 1.14 2.3 2.12",
    "SPACE_TO_DEPTH": "1.5 1.14",
    "SPLIT": "1.5 1.14 1.14 2.3",
    "SPLIT_V": "1.13.1 2.3",
    "SQRT": "1.10",
    "SQUARE": "1.12",
    "SQUARED_DIFFERENCE": "1.13.1 2.5",
    "STRIDED_SLICE": "1.6 1.14 2.1 2.2 2.5 2.6 2.13 2.14",
    "SUB": "1.6 1.14 2.3 2.4 2.4",
    "SUM": "1.10 1.15",
    "TANH": "1.14 1.14 2.3",
    "TILE": "1.10.1 2.2 2.8",
    "TRANSPOSE": "1.6 1.14 1.15 2.3 2.4 2.12",
    "TRANSPOSE_CONV": "1.9 2.2 2.3 2.13 2.15",
    "UNPACK": "1.11 1.14 2.2 2.3",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "1.13.1 1.14 2.3 2.13",
    "VAR_HANDLE": "2.6",
    "custom TFLite_Detection_PostProcess": "1.13.1",
}


#: with one scale per channel in FULLY_CONNECTED, which has no version of its own: older runtimes
#: take the first scale for all, without a word
PER_CHANNEL_RELEASE = "2.17"


def version_of(operator: Operator) -> int:
    """The lowest version of an operator that has what it uses."""
    special = _SPECIAL.get(operator.code)
    if special is not None:
        return special(operator)
    return BY_TYPE.get(operator.code, {}).get(_dtype(operator, 0), 1)


def minimum_runtime(operators: Iterable[Operator]) -> str:
    """The oldest TensorFlow release whose runtime knows all these operators and versions."""
    newest = max(map(release_of, operators), key=_numbers, default="1.5")
    return f"TFLite {newest}"


def release_of(operator: Operator) -> str:
    """The first TensorFlow release whose runtime computes an operator correctly."""
    if operator.code == "FULLY_CONNECTED" and _is_per_channel(operator, 1):
        return PER_CHANNEL_RELEASE
    return RELEASES[operator.code].split()[version_of(operator) - 1]


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))


def _dtype(operator: Operator, index: int) -> str:
    tensor = operator.inputs[index] if index < len(operator.inputs) else None
    return tensor.type.dtype.value if tensor is not None else ""


def _is_per_channel(operator: Operator, index: int) -> bool:
    tensor = operator.inputs[index]
    quant = tensor.type.quant if tensor is not None else None
    return quant is not None and len(quant.scale) > 1


def _rank(operator: Operator) -> int:
    return max((t.type.rank for t in operator.operands), default=0)


def _is_hybrid(operator: Operator) -> bool:
    return _dtype(operator, 0) == "float32" and _dtype(operator, 1) == "int8"


def _conv_2d(operator: Operator) -> int:
    x, w = operator.operands[:2]
    if w.type.shape[3] != x.type.shape[3]:
        return 6
    if _is_hybrid(operator):
        return 5 if _is_per_channel(operator, 1) else 2
    return {"int8": 3, "int16": 4}.get(x.type.dtype.value, 1)


def _depthwise_conv_2d(operator: Operator) -> int:
    if _is_hybrid(operator):
        return 6 if _is_per_channel(operator, 1) else 4
    options = operator.options
    dilated = (options["dilation_h_factor"], options["dilation_w_factor"]) != (1, 1)
    return {"int8": 3, "int16": 5}.get(_dtype(operator, 0), 2 if dilated else 1)


def _fully_connected(operator: Operator) -> int:
    if _dtype(operator, 0) == "int16":
        return 7
    if operator.options["keep_num_dims"]:
        return 5
    if _is_hybrid(operator):
        return 3
    return 4 if _dtype(operator, 0) == "int8" else 1


def _transpose_conv(operator: Operator) -> int:
    if operator.options["fused_activation_function"]:
        return 4
    if len(operator.inputs) > 3:
        return 3
    return 2 if _dtype(operator, 1) in ("int8", "int16") else 1


def _mul(operator: Operator) -> int:
    quants = [t.type.quant for t in (*operator.operands, *operator.outputs)]
    scales = [q.scale[0] for q in quants if q is not None]
    narrow = _dtype(operator, 0) in ("int8", "uint8") and len(scales) == 3
    if narrow and scales[0] * scales[1] / scales[2] >= 1.0:
        return 3
    return BY_TYPE["MUL"].get(_dtype(operator, 0), 1)


def _extreme(operator: Operator) -> int:
    shapes = {t.type.shape for t in operator.operands}
    if _dtype(operator, 0) == "int16":
        return 4
    if len(shapes) > 1 and _rank(operator) > 4:
        return 3
    return 2 if _dtype(operator, 0) == "int8" else 1


def _broadcast(wide: int, otherwise: str) -> Callable[[Operator], int]:
    """Version `wide` for the broadcast of more than four axes."""

    def version(operator: Operator) -> int:
        known = BY_TYPE.get(otherwise, {}).get(_dtype(operator, 0), 1)
        shapes = {t.type.shape for t in operator.operands}
        return max(known, wide) if len(shapes) > 1 and _rank(operator) > 4 else known

    return version


def _transpose(operator: Operator) -> int:
    rank, dtype = operator.operands[0].type.rank, _dtype(operator, 0)
    if rank > 5:
        return 6
    if dtype == "int16":
        return 5
    return 4 if rank > 4 else {"bool": 3, "int8": 2}.get(dtype, 1)


def _slice(operator: Operator) -> int:
    if operator.operands[0].type.rank > 4:
        return 5
    return {"int8": 2, "int16": 4}.get(_dtype(operator, 0), 1)


def _strided_slice(operator: Operator) -> int:
    if operator.operands[0].type.rank > 4:
        return 4
    return {"int8": 2, "bool": 3}.get(_dtype(operator, 0), 1)


def _pad(operator: Operator) -> int:
    if operator.operands[0].type.rank > 4:
        return 4
    return {"int8": 2, "int16": 3}.get(_dtype(operator, 0), 1)


def _split(operator: Operator) -> int:
    return {"int8": 2, "int32": 3, "int16": 4}.get(_dtype(operator, 1), 1)


def _space_to_batch(operator: Operator) -> int:
    if _dtype(operator, 0) == "int16":
        return 4
    if operator.operands[0].type.rank != 4:
        return 3
    return 2 if _dtype(operator, 0) == "int8" else 1


def _resize(plain: str) -> Callable[[Operator], int]:
    """Version 3 for the coordinates that came later; `plain` names an option of version 1."""

    def version(operator: Operator) -> int:
        later = [v for k, v in operator.options.items() if k != plain]
        if _dtype(operator, 0) == "int16":
            return 4
        return 3 if any(later) else 2 if _dtype(operator, 0) == "int8" else 1

    return version


def _gather(operator: Operator) -> int:
    if operator.options.get("batch_dims"):
        return 5
    return {"int8": 2, "bool": 3, "int16": 4}.get(_dtype(operator, 0), 1)


def _dequantize(operator: Operator) -> int:
    if _dtype(operator, 0) in ("int16", "float16"):
        return 3
    if _is_per_channel(operator, 0):
        return 5
    return 2 if _dtype(operator, 0) == "int8" else 1


def _quantize(operator: Operator) -> int:
    quant = operator.outputs[0].type.quant
    if quant is not None and len(quant.scale) > 1:
        return 3
    return 2 if operator.outputs[0].type.dtype.value == "int16" else 1


def _cast(operator: Operator) -> int:
    types = {operator.operands[0].type.dtype.value, operator.outputs[0].type.dtype.value}
    order = (("bfloat16", 7), ("float64", 5), ("float16", 5), ("uint16", 4), ("int8", 3))
    return next((version for name, version in (*order, ("uint32", 2)) if name in types), 1)


def _broadcast_to(operator: Operator) -> int:
    return 3 if _dtype(operator, 0) in ("int8", "int16") else 2


def _sequence_lstm(operator: Operator) -> int:
    weight = operator.inputs[2]
    is_int8 = weight is not None and weight.type.dtype.value == "int8"
    return 2 if _dtype(operator, 0) == "float32" and is_int8 else 1


_SPECIAL: dict[str, Callable[[Operator], int]] = {
    "BATCH_TO_SPACE_ND": _space_to_batch,
    "BROADCAST_TO": _broadcast_to,
    "CAST": _cast,
    "CONV_2D": _conv_2d,
    "DEPTHWISE_CONV_2D": _depthwise_conv_2d,
    "DEQUANTIZE": _dequantize,
    "DIV": _broadcast(2, "DIV"),
    "FULLY_CONNECTED": _fully_connected,
    "GATHER": _gather,
    "MAXIMUM": _extreme,
    "MINIMUM": _extreme,
    "MUL": _mul,
    "PAD": _pad,
    "PADV2": _pad,
    "QUANTIZE": _quantize,
    "RESIZE_BILINEAR": _resize("align_corners"),
    "RESIZE_NEAREST_NEIGHBOR": _resize(""),
    "SLICE": _slice,
    "SPACE_TO_BATCH_ND": _space_to_batch,
    "SPLIT": _split,
    "STRIDED_SLICE": _strided_slice,
    "SUB": _broadcast(3, "SUB"),
    "TRANSPOSE": _transpose,
    "TRANSPOSE_CONV": _transpose_conv,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _sequence_lstm,
}
