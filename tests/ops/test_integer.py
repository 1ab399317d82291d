"""The quantised operators against LiteRT and tflite-micro, bit for bit, on one-operator models."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgewright import numerics
from edgewright.ops.integer import (
    activations,
    convert,
    pool,
    requantize,
    resize,
    softmax,
    tables,
)
from edgewright.ops.integer.add import add
from edgewright.ops.integer.mul import mul
from edgewright.ops.integer.squared_difference import squared_difference
from edgewright.verify.oracles.single_op import Operand, build

Array = npt.NDArray[Any]
Rng = np.random.Generator
Dtype = type[np.integer[Any]]
ACTIVATIONS = [(0, None), (1, (0.0, np.inf)), (3, (0.0, 6.0)), (2, (-1.0, 1.0))]
MODES = ("float", "fixed")


@dataclass
class Sample:
    """A model of one operator, its inputs, and our answer in each mode."""

    model: bytes
    feeds: dict[str, Array]
    answers: dict[str, Array] = field(default_factory=dict)


def schema() -> Any:
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


def options(name: str, **fields: Any) -> Any:
    made = getattr(schema(), name + "OptionsT")()
    for key, value in fields.items():
        assert hasattr(made, key), f"{name}Options has no {key}"
        setattr(made, key, value)
    return made


def values(rng: Rng, dtype: Dtype, shape: tuple[int, ...]) -> Array:
    """Random integers; a tenth of them are the extremes."""
    low, high = requantize.bounds_of(dtype)
    drawn = rng.integers(low, high + 1, shape)
    extreme = rng.random(shape)
    drawn = np.where(extreme < 0.05, low, np.where(extreme > 0.95, high, drawn))
    return np.asarray(drawn.astype(dtype))


def scale(rng: Rng, low: float = 2e-3, high: float = 0.3) -> float:
    return float(np.float32(np.exp(rng.uniform(np.log(low), np.log(high)))))


def quant(rng: Rng, dtype: Dtype) -> tuple[float, int]:
    if dtype is np.int16:
        return scale(rng, 1e-5, 1e-3), 0
    return scale(rng), int(values(rng, dtype, ())[()])


def operand(name: str, x: Array, pair: tuple[float, int]) -> Operand:
    return Operand(name, x.dtype, x.shape, (pair[0],), (pair[1],))


def ask(kind: str, model: bytes, feeds: dict[str, Array]) -> Array:
    """The oracle's answer; in this process, since these models are ours and many."""
    return ask_micro(model, feeds) if kind == "tflm" else ask_litert(kind, model, feeds)


def ask_litert(kind: str, model: bytes, feeds: dict[str, Array]) -> Array:
    from ai_edge_litert import interpreter as litert

    resolver = litert.OpResolverType.BUILTIN_REF if kind == "litert_ref" else None
    chosen = {"experimental_op_resolver_type": resolver} if resolver else {}
    interpreter = litert.Interpreter(model_content=model, num_threads=1, **chosen)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], feeds[detail["name"]])
    interpreter.invoke()
    return np.array(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))


def ask_micro(model: bytes, feeds: dict[str, Array]) -> Array:
    runtime = pytest.importorskip("tflite_micro").runtime
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=1 << 20)
    for place, x in enumerate(feeds.values()):
        interpreter.set_input(x, place)
    interpreter.invoke()
    return np.array(interpreter.get_output(0))


# -- products --------------------------------------------------------------------------------------


def windows(x: Array, kernel: int, stride: int) -> Array:
    """[N, OH, OW, C, K, K] of an image already less its zero point, padded as TFLite's SAME."""
    size = x.shape[1]
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    pad = (total // 2, total - total // 2)
    padded = np.pad(x, ((0, 0), pad, pad, (0, 0)))
    view = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(1, 2))
    return view[:, ::stride, ::stride]


def accumulate(op: str, x: Array, w: Array, stride: int) -> Array:
    if op == "FULLY_CONNECTED":
        return np.asarray(x @ w.T)
    seen = windows(x, w.shape[1], stride)
    if op == "CONV_2D":
        return np.asarray(np.einsum("nhwckl,oklc->nhwo", seen, w))
    repeated = np.repeat(seen, w.shape[3] // x.shape[3], axis=3)
    return np.asarray(np.einsum("nhwckl,klc->nhwc", repeated, w[0]))


def linear(rng: Rng, op: str, dtype: Dtype, per_channel: bool) -> Sample:
    kernel, stride = int(rng.choice([1, 3])), int(rng.choice([1, 2]))
    inputs, outputs = (int(n) for n in rng.integers(1, 20, 2))
    outputs = inputs * int(rng.choice([1, 2])) if op == "DEPTHWISE_CONV_2D" else outputs
    shape = {
        "CONV_2D": (outputs, kernel, kernel, inputs),
        "DEPTHWISE_CONV_2D": (1, kernel, kernel, outputs),
        "FULLY_CONNECTED": (outputs, inputs),
    }[op]
    weight_dtype: Dtype = np.uint8 if dtype is np.uint8 else np.int8
    axis = 3 if op == "DEPTHWISE_CONV_2D" and per_channel else 0
    x = values(rng, dtype, (16, inputs) if op == "FULLY_CONNECTED" else (1, 7, 7, inputs))
    w = values(rng, weight_dtype, shape)
    w = np.where(w == -128, w.dtype.type(1), w)  # TFLite's int8 weights are symmetric
    quant_x, quant_y = quant(rng, dtype), quant(rng, dtype)
    zero_w = int(values(rng, dtype, ())[()]) if dtype is np.uint8 else 0
    scales_w = tuple(scale(rng, 1e-3, 0.05) for _ in range(outputs if per_channel else 1))
    bias = rng.integers(-5000, 5000, outputs)
    act, clamp = ACTIVATIONS[rng.integers(4)]
    acc = accumulate(op, x.astype(np.int64) - quant_x[1], w.astype(np.int64) - zero_w, stride)
    wide = dtype is np.int16
    bias_type = np.int64 if wide else np.int32
    scales_b = tuple(float(np.float32(quant_x[0]) * np.float32(s)) for s in scales_w)
    zeros_w = (zero_w,) * len(scales_w)
    model = build(
        op,
        [
            operand("x", x, quant_x),
            Operand("w", weight_dtype, shape, scales_w, zeros_w, axis, w),
            Operand("b", bias_type, (outputs,), scales_b, (0,) * len(scales_b), 0, bias),
        ],
        [Operand("y", dtype, acc.shape, (quant_y[0],), (quant_y[1],))],
        linear_options(op, act, stride, outputs // inputs),
        linear_version(op, dtype),
    )
    bounds = requantize.clamp_bounds(clamp, *quant_y, dtype)
    tail = (quant_y[1], bounds, dtype)
    scales = (quant_x[0], scales_w, quant_y[0])
    factor = requantize.fixed_scale(*scales, narrow=dtype is np.uint8 and op != "FULLY_CONNECTED")
    micro = requantize.fixed_scale(*scales, narrow=True)
    fixed = {
        "FULLY_CONNECTED": requantize.requantize_wide if wide else requantize.requantize_once,
        "CONV_2D": requantize.requantize_wide if wide else requantize.requantize_fixed,
        "DEPTHWISE_CONV_2D": requantize.requantize_wide if wide else requantize.requantize_fixed,
    }[op]
    answers = {
        "fixed": fixed(acc + bias, factor, *tail),
        "twice": requantize.requantize_fixed(acc + bias, micro, *tail),
        "float": requantize.requantize_float(acc + bias, requantize.float_scale(*scales), *tail),
    }
    return Sample(model, {"x": x}, answers)


def linear_options(op: str, act: int, stride: int, multiplier: int) -> Any:
    if op == "FULLY_CONNECTED":
        return options("FullyConnected", fusedActivationFunction=act)
    name = "Conv2D" if op == "CONV_2D" else "DepthwiseConv2D"
    made = options(
        name,
        fusedActivationFunction=act,
        strideH=stride,
        strideW=stride,
        dilationHFactor=1,
        dilationWFactor=1,
    )
    if op == "DEPTHWISE_CONV_2D":
        made.depthMultiplier = multiplier
    return made


def linear_version(op: str, dtype: Dtype) -> int:
    if dtype is np.int16:
        return {"CONV_2D": 4, "DEPTHWISE_CONV_2D": 5, "FULLY_CONNECTED": 7}[op]
    return 1 if dtype is np.uint8 else (4 if op == "FULLY_CONNECTED" else 3)


# -- two operands ----------------------------------------------------------------------------------


def binary(rng: Rng, op: str, dtype: Dtype) -> Sample:
    shape = (20, 50)
    a, b = values(rng, dtype, shape), values(rng, dtype, shape)
    quants = [quant(rng, dtype) for _ in range(3)]
    scales, zeros = [q[0] for q in quants], [q[1] for q in quants]
    act, clamp = ACTIVATIONS[rng.integers(4)]
    bounds = requantize.clamp_bounds(clamp, *quants[2], dtype)
    fields: dict[str, Any] = {"fusedActivationFunction": act}
    if op in ("ADD", "SUB"):
        fields["potScaleInt16"] = False
    if op == "SQUARED_DIFFERENCE":
        made, version = options("SquaredDifference"), 2
        answers = {mode: squared_difference(a, b, scales, zeros) for mode in MODES}
    else:
        made, version = options(op.title(), **fields), {np.int8: 2, np.uint8: 1}.get(dtype, 3)
        version = 2 if (op, dtype) == ("MUL", np.int16) else version
        answer: dict[str, Callable[..., Array]] = {
            "ADD": add,
            "SUB": functools.partial(add, subtract=True),
            "MUL": mul,
        }
        answers = {mode: answer[op](a, b, scales, zeros, bounds, mode) for mode in MODES}
    inputs = [operand("a", a, quants[0]), operand("b", b, quants[1])]
    result = [Operand("y", dtype, shape, (scales[2],), (zeros[2],))]
    return Sample(build(op, inputs, result, made, version), {"a": a, "b": b}, answers)


# -- one operand -----------------------------------------------------------------------------------


def unary(
    rng: Rng,
    op: str,
    dtype: Dtype,
    answer: Callable[[Array, tuple[float, int], tuple[float, int], str], Array],
    result: tuple[float, int] | None = None,
    made: Any = None,
    version: int = 1,
) -> Sample:
    """Every 8-bit code (random int16), through a model with random scales."""
    low = requantize.bounds_of(dtype)[0]
    x = (np.arange(256) + low).astype(dtype)[None]
    x = values(rng, dtype, (1, 2000)) if dtype is np.int16 else x
    before = (scale(rng), low) if op in ("LOG", "RSQRT", "SQRT") else quant(rng, dtype)
    after = result or quant(rng, dtype)
    y = Operand("y", dtype, x.shape, (after[0],), (after[1],))
    model = build(op, [operand("x", x, before)], [y], made, version)
    return Sample(model, {"x": x}, {mode: answer(x, before, after, mode) for mode in MODES})


def by_table(function: tables.Function) -> Callable[..., Array]:
    def answer(x: Array, before: Any, after: Any, mode: str) -> Array:
        return tables.look_up(x, tables.table_8(function, before, after, x.dtype))

    return answer


def gelu(x: npt.ArrayLike) -> npt.NDArray[np.float64]:
    real = np.asarray(x, np.float64)
    return np.asarray(0.5 * real * (1.0 + numerics.erf(real * np.sqrt(0.5))))


def elu(x: npt.ArrayLike) -> npt.NDArray[np.float64]:
    real = np.asarray(x, np.float64)
    return np.where(real < 0, numerics.expm1(real), real)


def logistic(rng: Rng, dtype: Dtype) -> Sample:
    after = (1 / 256, requantize.bounds_of(dtype)[0])
    version = 2 if dtype is np.int8 else 1
    return unary(rng, "LOGISTIC", dtype, by_table(numerics.sigmoid), after, version=version)


def tanh(rng: Rng, dtype: Dtype) -> Sample:
    after = (1 / 128, requantize.bounds_of(dtype)[0] + 128)
    version = 2 if dtype is np.int8 else 1
    return unary(rng, "TANH", dtype, by_table(numerics.tanh), after, version=version)


def clamp(rng: Rng, op: str, dtype: Dtype) -> Sample:
    limits = (0.0, np.inf) if op == "RELU" else (0.0, 6.0)

    def answer(x: Array, before: Any, after: Any, mode: str) -> Array:
        return activations.clamp(x, before, after, limits)

    return unary(rng, op, dtype, answer, version=3 if dtype is np.int16 else 2)


def leaky_relu(rng: Rng, dtype: Dtype) -> Sample:
    alpha = float(np.float32(rng.choice([0.01, 0.1, 0.3, 2.0, -0.5])))

    def answer(x: Array, before: Any, after: Any, mode: str) -> Array:
        return activations.leaky_relu(x, before, after, alpha, mode)

    return unary(
        rng, "LEAKY_RELU", dtype, answer, made=options("LeakyRelu", alpha=alpha), version=2
    )


def hard_swish(rng: Rng, dtype: Dtype) -> Sample:
    def answer(x: Array, before: Any, after: Any, mode: str) -> Array:
        return activations.hard_swish(x, before, after)

    return unary(rng, "HARD_SWISH", dtype, answer, made=options("HardSwish"))


def quantize(rng: Rng, dtype: Dtype) -> Sample:
    pair = quant(rng, dtype)
    x = (rng.normal(size=(4, 500)) * pair[0] * 80).astype(np.float32)
    x[0, :100] = ((np.arange(100) - 49.5) * np.float32(pair[0])).astype(np.float32)  # ties
    y = Operand("y", dtype, x.shape, (pair[0],), (pair[1],))
    version = 2 if dtype is np.int16 else 1
    model = build("QUANTIZE", [Operand("x", np.float32, x.shape)], [y], None, version)
    answers = {mode: convert.quantize(x, pair, dtype, mode) for mode in MODES}
    return Sample(model, {"x": x}, answers)


def dequantize(rng: Rng, dtype: Dtype) -> Sample:
    pair, x = quant(rng, dtype), values(rng, dtype, (4, 500))
    y = Operand("y", np.float32, x.shape)
    version = {np.int8: 2, np.uint8: 1}.get(dtype, 3)
    model = build("DEQUANTIZE", [operand("x", x, pair)], [y], None, version)
    return Sample(model, {"x": x}, dict.fromkeys(MODES, convert.dequantize(x, pair)))


def change(rng: Rng, dtype: Dtype, to: Dtype) -> Sample:
    before, after, x = quant(rng, dtype), quant(rng, to), values(rng, dtype, (4, 500))
    y = Operand("y", to, x.shape, (after[0],), (after[1],))
    model = build("QUANTIZE", [operand("x", x, before)], [y], None, 2)
    answers = {mode: convert.requantize(x, before, after, to, mode) for mode in MODES}
    return Sample(model, {"x": x}, answers)


# -- softmax, pools, reductions, resizing ----------------------------------------------------------


def softmax_case(rng: Rng, dtype: Dtype) -> Sample:
    x = values(rng, dtype, (20, int(rng.integers(1, 40))))
    low = requantize.bounds_of(dtype)[0]
    before = (scale(rng, 1e-5, 1e-2), 0) if dtype is np.int16 else (scale(rng, 1e-3, 2.0), 3)
    after = (1 / 32768, 0) if dtype is np.int16 else (1 / 256, low)
    beta = float(rng.choice([1.0, 0.5]))
    y = Operand("y", dtype, x.shape, (after[0],), (after[1],))
    version = {np.int8: 2, np.uint8: 1}.get(dtype, 3)
    model = build("SOFTMAX", [operand("x", x, before)], [y], options("Softmax", beta=beta), version)
    answers = {m: softmax.softmax(x, before[0], beta, after, dtype, m) for m in MODES}
    return Sample(model, {"x": x}, answers)


def average_pool(rng: Rng, dtype: Dtype) -> Sample:
    kernel, stride = int(rng.integers(1, 5)), int(rng.choice([1, 2]))
    x, pair = values(rng, dtype, (1, 7, 7, 5)), quant(rng, dtype)
    act, clamped = ACTIVATIONS[rng.integers(3)]
    total = windows(x.astype(np.int64), kernel, stride).sum((-1, -2))
    count = windows(np.ones(x.shape, np.int64), kernel, stride).sum((-1, -2))
    made = options(
        "Pool2D",
        strideH=stride,
        strideW=stride,
        filterHeight=kernel,
        filterWidth=kernel,
        fusedActivationFunction=act,
    )
    y = Operand("y", dtype, total.shape, (pair[0],), (pair[1],))
    version = {np.int8: 2, np.uint8: 1}.get(dtype, 3)
    model = build("AVERAGE_POOL_2D", [operand("x", x, pair)], [y], made, version)
    bounds = requantize.clamp_bounds(clamped, *pair, dtype)
    return Sample(model, {"x": x}, dict.fromkeys(MODES, pool.average(total, count, bounds)))


def reduction(rng: Rng, op: str, dtype: Dtype) -> Sample:
    sizes = tuple(int(n) for n in rng.integers(1, 9, 2))
    x, before, after = values(rng, dtype, (2, *sizes, 5)), quant(rng, dtype), quant(rng, dtype)
    axes = ((1, 2), (3,), (1,), (0, 1, 2, 3))[rng.integers(4)]
    keep = bool(rng.integers(2))
    total = x.astype(np.int64).sum(axes, keepdims=keep)
    count = int(np.prod([x.shape[axis] for axis in axes]))
    reduce = pool.mean if op == "MEAN" else pool.sum_
    version = {np.int8: 2, np.uint8: 1}.get(dtype, 3) if op == "MEAN" else 2
    where = Operand("axes", np.int32, (len(axes),), data=np.array(axes, np.int32))
    y = Operand("y", dtype, total.shape, (after[0],), (after[1],))
    made = options("Reducer", keepDims=keep)
    model = build(op, [operand("x", x, before), where], [y], made, version)
    answers = {mode: reduce(total, count, before, after, dtype, mode) for mode in MODES}
    return Sample(model, {"x": x}, answers)


def resize_bilinear(rng: Rng, dtype: Dtype) -> Sample:
    height, width = (int(n) for n in rng.integers(1, 9, 2))
    size = (int(rng.integers(1, 17)), int(rng.integers(1, 17)))
    align, half = [(False, False), (True, False), (False, True)][rng.integers(3)]
    x, pair = values(rng, dtype, (2, height, width, 3)), quant(rng, dtype)
    made = options("ResizeBilinear", alignCorners=align, halfPixelCenters=half)
    shape = Operand("size", np.int32, (2,), data=np.array(size, np.int32))
    y = Operand("y", dtype, (2, *size, 3), (pair[0],), (pair[1],))
    model = build("RESIZE_BILINEAR", [operand("x", x, pair), shape], [y], made, 3)
    answers = {
        mode: resize.bilinear(x, size, align_corners=align, half_pixel=half, mode=mode)
        for mode in MODES
    }
    return Sample(model, {"x": x}, answers)


# -- the comparison --------------------------------------------------------------------------------

I8, U8, I16 = np.int8, np.uint8, np.int16
ALL = {"litert_ref": "fixed", "tflm": "fixed", "litert": "float"}
LITERT = {"litert_ref": "fixed", "litert": "float"}
REFERENCE = {"litert_ref": "fixed"}
# name -> how to draw a sample, and which answer each oracle gives bit for bit
CASES: dict[str, tuple[Callable[[Rng], Sample], dict[str, str]]] = {
    "conv int8 per channel": (lambda r: linear(r, "CONV_2D", I8, True), ALL),
    "conv int8 per tensor": (lambda r: linear(r, "CONV_2D", I8, False), ALL),
    "conv uint8": (lambda r: linear(r, "CONV_2D", U8, False), LITERT),
    "conv int16x8": (lambda r: linear(r, "CONV_2D", I16, True), ALL | {"litert": "fixed"}),
    "depthwise_conv int8 per channel": (lambda r: linear(r, "DEPTHWISE_CONV_2D", I8, True), ALL),
    "depthwise_conv uint8": (lambda r: linear(r, "DEPTHWISE_CONV_2D", U8, False), LITERT),
    "depthwise_conv int16x8": (
        lambda r: linear(r, "DEPTHWISE_CONV_2D", I16, True),
        ALL | {"litert": "fixed"},
    ),
    "fully_connected int8": (
        lambda r: linear(r, "FULLY_CONNECTED", I8, False),
        {"litert_ref": "fixed", "tflm": "twice", "litert": "float"},
    ),
    "fully_connected uint8": (lambda r: linear(r, "FULLY_CONNECTED", U8, False), LITERT),
    "fully_connected int16x8": (
        lambda r: linear(r, "FULLY_CONNECTED", I16, False),
        {"tflm": "fixed"},
    ),
    "add int8": (lambda r: binary(r, "ADD", I8), ALL),
    "add uint8": (lambda r: binary(r, "ADD", U8), LITERT),
    "add int16": (lambda r: binary(r, "ADD", I16), {"litert_ref": "fixed", "tflm": "fixed"}),
    "sub int8": (lambda r: binary(r, "SUB", I8), ALL),
    "sub uint8": (lambda r: binary(r, "SUB", U8), LITERT),
    "sub int16": (lambda r: binary(r, "SUB", I16), {"litert_ref": "fixed", "tflm": "fixed"}),
    "mul int8": (lambda r: binary(r, "MUL", I8), LITERT),
    "mul uint8": (lambda r: binary(r, "MUL", U8), LITERT),
    "mul int16": (lambda r: binary(r, "MUL", I16), REFERENCE),
    "squared_difference int8": (lambda r: binary(r, "SQUARED_DIFFERENCE", I8), ALL),
    "logistic int8": (lambda r: logistic(r, I8), ALL),
    "logistic uint8": (lambda r: logistic(r, U8), LITERT),
    "tanh int8": (lambda r: tanh(r, I8), ALL),
    "tanh uint8": (lambda r: tanh(r, U8), LITERT),
    "exp int8": (lambda r: unary(r, "EXP", I8, by_table(numerics.exp), None, None, 2), LITERT),
    "log int8": (lambda r: unary(r, "LOG", I8, by_table(numerics.log), None, None, 2), LITERT),
    "gelu int8": (
        lambda r: unary(r, "GELU", I8, by_table(gelu), None, options("Gelu"), 2),
        LITERT,
    ),
    "elu int8": (
        lambda r: unary(r, "ELU", I8, by_table(elu)),
        {"tflm": "fixed", "litert": "float"},
    ),
    "relu int8": (lambda r: clamp(r, "RELU", I8), ALL),
    "relu uint8": (lambda r: clamp(r, "RELU", U8), LITERT),
    "relu int16": (lambda r: clamp(r, "RELU", I16), LITERT),
    "relu6 int8": (lambda r: clamp(r, "RELU6", I8), LITERT),
    "leaky_relu int8": (lambda r: leaky_relu(r, I8), ALL),
    "leaky_relu uint8": (lambda r: leaky_relu(r, U8), LITERT),
    "leaky_relu int16": (lambda r: leaky_relu(r, I16), LITERT),
    "hard_swish int8": (lambda r: hard_swish(r, I8), ALL),
    "hard_swish uint8": (lambda r: hard_swish(r, U8), LITERT),
    "quantize int8": (lambda r: quantize(r, I8), ALL),
    "quantize uint8": (lambda r: quantize(r, U8), LITERT),
    "quantize int16": (lambda r: quantize(r, I16), ALL),
    "dequantize int8": (lambda r: dequantize(r, I8), ALL),
    "dequantize uint8": (lambda r: dequantize(r, U8), ALL),
    "dequantize int16": (lambda r: dequantize(r, I16), ALL),
    "requantize int8 to int8": (lambda r: change(r, I8, I8), ALL),
    "requantize int8 to uint8": (
        lambda r: change(r, I8, U8),
        {"litert_ref": "fixed", "tflm": "fixed"},
    ),
    "requantize uint8 to uint8": (lambda r: change(r, U8, U8), LITERT),
    "requantize uint8 to int8": (
        lambda r: change(r, U8, I8),
        {"litert_ref": "fixed", "tflm": "fixed"},
    ),
    "requantize int8 to int16": (lambda r: change(r, I8, I16), ALL),
    "requantize int16 to int8": (lambda r: change(r, I16, I8), ALL),
    "requantize int16 to int16": (lambda r: change(r, I16, I16), ALL),
    "softmax int8": (lambda r: softmax_case(r, I8), ALL),
    "softmax uint8": (lambda r: softmax_case(r, U8), LITERT),
    "softmax int16": (lambda r: softmax_case(r, I16), LITERT),
    "avg_pool int8": (lambda r: average_pool(r, I8), ALL),
    "avg_pool uint8": (lambda r: average_pool(r, U8), LITERT),
    "avg_pool int16": (lambda r: average_pool(r, I16), ALL),
    "mean int8": (lambda r: reduction(r, "MEAN", I8), ALL),
    "mean uint8": (lambda r: reduction(r, "MEAN", U8), LITERT),
    "mean int16": (lambda r: reduction(r, "MEAN", I16), ALL),
    "sum int8": (lambda r: reduction(r, "SUM", I8), {"tflm": "fixed", "litert": "float"}),
    "sum uint8": (lambda r: reduction(r, "SUM", U8), LITERT),
    "resize_bilinear int8": (lambda r: resize_bilinear(r, I8), ALL),
    "resize_bilinear uint8": (lambda r: resize_bilinear(r, U8), {"litert": "float"}),
}
PAIRS = [(name, oracle) for name, (_, agrees) in CASES.items() for oracle in agrees]


@pytest.mark.parametrize(("name", "oracle"), PAIRS)
def test_equals_oracle(name: str, oracle: str) -> None:
    draw, agrees = CASES[name]
    rng = np.random.default_rng(20)
    for _ in range(6):
        sample = draw(rng)
        expected = ask(oracle, sample.model, sample.feeds)
        answer = sample.answers[agrees[oracle]]
        assert answer.dtype in {expected.dtype, np.dtype(np.int64)}
        np.testing.assert_array_equal(answer, expected)
