"""Turn float operators between dequantize and quantize into quantised ones."""

from __future__ import annotations

import numpy as np

from edgewright import ops
from edgewright.graph import Array, DType, Graph, Node, Quant, TensorType, Value
from edgewright.ops.unary import Unary
from edgewright.passes import rewrite
from edgewright.passes.constants import frozen, has_scales, scalar
from edgewright.passes.editing import become, drop_unused, insert

WEIGHTED = ("conv", "depthwise_conv", "fully_connected", "conv_transpose")
#: Operators beside these and the functions of one operand that know quantised operands.
OTHERS = (
    "add", "sub", "mul", "minimum", "maximum", "concat", "matmul",
    "softmax", "max_pool", "avg_pool", "resize_bilinear", "resize_nearest",
    "reduce_mean", "reduce_sum", "reduce_max", "reduce_min",
    "reshape", "transpose", "slice", "pad", "expand", "tile", "gather",
    "depth_to_space", "space_to_depth", "space_to_batch", "batch_to_space",
)  # fmt: skip
BYTES = (DType.INT8, DType.UINT8)


@rewrite("quantize", "argmax", "argmin")
def fuse_qdq(graph: Graph, node: Node) -> bool:
    """Compute on integers what the model describes as dequantize, float operator, quantize.

    Given:
        graph main(%x: int8[1,2,2,1]<0.5:0>) -> (%z) {
          const %w: int8[1,1,1,1]<axis=0 0.25:0> = [3]
          const %b: int32[1]<axis=0 0.125:0> = [7]
          %xf = dequantize(%x)
          %wf = dequantize(%w)
          %bf = dequantize(%b)
          %y = conv(%xf, %wf, %bf)
          %z: int8[1,2,2,1]<2.0:5> = quantize(%y)
        }
    Result:
        graph main(%x: int8[1,2,2,1]<0.5:0>) -> (%z) {
          const %w: int8[1,1,1,1]<axis=0 0.25:0> = [3]
          const %bf.1: int32[1]<axis=0 0.125:0> = [7]
          %z: int8[1,2,2,1]<2.0:5> = conv(%x, %w, %bf.1)
        }
    """
    if node.op != "quantize":
        return _skip_dequantize(graph, node)
    made = node.input(0).producer
    if made is None or made.graph is not graph or not _is_known(made):
        return False
    if node.input(0).type.quant is not None or not _reads_dequantized(made):
        return False
    why = _obstacle(graph, made, node)
    if why:
        return graph.keep(node, why)
    inputs = _stored_inputs(graph, made)
    if isinstance(inputs, str):
        return graph.keep(node, inputs)
    result = insert(graph, node, made.op, inputs, made.attrs, like=node.output)
    result.producer.origin = made.origin  # type: ignore[union-attr]
    return _finish(graph, node, made, result)


def _skip_dequantize(graph: Graph, node: Node) -> bool:
    """The place of the largest real number is that of the largest integer."""
    made = node.input(0).producer
    if made is None or made.op != "dequantize" or made.input(0).type.dtype not in BYTES:
        return False
    if has_scales(made.input(0).type):
        return False
    graph.set_input(node, 0, made.input(0))
    drop_unused(graph, made)
    return True


def _is_known(node: Node) -> bool:
    cls = ops.registry().get(node.op)
    if cls is None or len(node.outputs) != 1:
        return False
    return node.op in WEIGHTED + OTHERS or issubclass(cls, Unary)


def _reads_dequantized(node: Node) -> bool:
    return any(v.producer and v.producer.op == "dequantize" for v in node.arguments)


def _obstacle(graph: Graph, made: Node, node: Node) -> str:
    """Why an operator before a quantize stays in float; empty when it need not."""
    if graph.only_user(made.output) is not node:
        return f"{made.output} is also read as float"
    if node.output.type.dtype not in BYTES or has_scales(node.output.type):
        return f"{node.output.type} is not 8 bits with one scale"
    if made.op in WEIGHTED and len(made.inputs) > 3:
        return "a residual is added inside the convolution"
    dtypes = {_dtype(v) for v in _activations(made)} | {node.output.type.dtype}
    if made.op in ("minimum", "maximum") and len({_quant(v) for v in _activations(made)}) > 1:
        return "its operands have different scales"
    return "" if len(dtypes - {None}) == 1 else "operands and result differ in their integer type"


def _activations(node: Node) -> list[Value]:
    """The operands that are tensors of the graph, rather than weights or indices."""
    count = 1 if node.op in (*WEIGHTED, "gather") else len(node.inputs)
    return [v for v in node.inputs[:count] if v is not None]


def _stored(value: Value | None) -> Value | None:
    """The integers behind a dequantized value."""
    made = value.producer if value is not None else None
    return made.input(0) if made is not None and made.op == "dequantize" else None


def _dtype(value: Value) -> DType | None:
    held = _stored(value)
    return held.type.dtype if held is not None else None


def _quant(value: Value) -> Quant | None:
    held = _stored(value)
    return held.type.quant if held is not None else None


def _stored_inputs(graph: Graph, node: Node) -> list[Value | None] | str:
    """The operands as integers, or why there are none."""
    tensors = _activations(node)
    dtype = next((d for d in map(_dtype, tensors) if d is not None), None)
    inputs: list[Value | None] = []
    for value in tensors:
        held = _stored(value)
        if held is None and dtype is not None and scalar(value) is not None:
            held = _exact(graph, value, dtype)
        if held is None:
            return f"{value} is not dequantized"
        if has_scales(held.type):
            return f"{value} has one scale per channel"
        inputs.append(held)
    if node.op in WEIGHTED:
        return _with_weights(graph, node, inputs)
    return [*inputs, *node.inputs[len(tensors) :]]


def _exact(graph: Graph, value: Value, dtype: DType) -> Value:
    """A float number as one integer whose scale makes it exactly that number."""
    number = scalar(value)
    assert number is not None
    stored, zero = (1, 0) if number >= 0 else (0, 1)
    scale = abs(number) if number else 1.0
    type = TensorType(dtype, value.type.shape, Quant.per_tensor(scale, zero))
    held = np.full(value.type.dims, stored if number else 0, dtype.numpy)
    return graph.constant(value.name, held, type)


def _with_weights(graph: Graph, node: Node, inputs: list[Value | None]) -> list[Value | None] | str:
    (x,), w = inputs, frozen(node.input(1))
    assert x is not None
    if w is None or w.type.quant is None or w.type.dtype not in BYTES:
        return "the weight is not a dequantized 8-bit constant"
    bias = node.inputs[2] if len(node.inputs) > 2 else None
    if bias is None:
        return [x, w, None]
    real = _real_bias(bias)
    if real is None:
        return "the bias is not a constant"
    stored = _integer_bias(graph, bias, real, x, w)
    return "the bias exceeds 32 bits" if stored is None else [x, w, stored]


def _real_bias(bias: Value) -> Array | None:
    """[O]: the bias in real units."""
    held = frozen(bias)
    if held is None or held.data is None:
        return None
    array = held.data.astype(np.float64)
    if held.type.quant is None:
        return array if held is bias else None
    quant = held.type.quant
    return np.asarray(np.array(quant.scale) * (array - np.array(quant.zero)))


def _stored_bias(bias: Value, units: Array) -> Array | None:
    """The integers that the model itself stores, if they are in these units already.

    Large ones would come back otherwise, as the scale in the file is rounded to float32.
    """
    held = frozen(bias)
    if held is None or held.type.dtype is not DType.INT32 or held.type.quant is None:
        return None
    own = np.array(held.type.quant.scale, np.float32)
    return held.data if not any(held.type.quant.zero) and bool(np.all(own == units)) else None


def _integer_bias(
    graph: Graph,
    bias: Value,
    real: Array,
    x: Value,
    w: Value,
) -> Value | None:
    """The bias in units of scale(x) * scale(w), as the sums of products are; None if too large."""
    assert x.type.quant is not None and w.type.quant is not None
    units = np.float64(x.type.quant.scale[0]) * np.array(w.type.quant.scale)
    stored = _stored_bias(bias, units.astype(np.float32))
    whole = np.rint(real / units) if stored is None else stored
    if np.any(np.abs(whole) > np.iinfo(np.int32).max):
        return None
    scale = tuple(float(s) for s in np.broadcast_to(units, real.shape).astype(np.float32))
    quant = Quant(scale, (0,) * len(scale), axis=0)
    type = TensorType(DType.INT32, real.shape, quant)
    return graph.constant(bias.name, whole.astype(np.int32), type)


def _finish(graph: Graph, node: Node, made: Node, result: Value) -> bool:
    """Give the result its quantisation; operators that have no choice need one more step."""
    kept, wanted = _given_quant(result), node.output.type
    if kept is not None and kept != wanted.quant:
        result.type = result.type.with_quant(kept)
        result = insert(graph, node, "quantize", [result], like=node.output, type=wanted)
    become(graph, node, result)
    drop_unused(graph, made)
    return True


def _given_quant(result: Value) -> Quant | None:
    """The quantisation that an operator's result has by its nature, or None."""
    node = result.producer
    assert node is not None
    if node.op == "concat":
        return None
    if node.op in ("avg_pool", "minimum", "maximum"):
        return node.input(0).type.quant
    if node.op == "softmax":
        # What TFLite fixes it to: probabilities in 256 steps.
        return Quant.per_tensor(1 / 256, -128 if result.type.dtype is DType.INT8 else 0)
    return result.type.quant
