"""Long short-term memory over a sequence."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgewright import numerics as nx
from edgewright.errors import UnsupportedModel
from edgewright.graph import DType, Node, Quant, TensorType, Value, upper
from edgewright.ops import (
    Array,
    Call,
    Emit,
    Op,
    Packing,
    half,
    op,
    packing,
    quantised,
    require,
    storage,
)
from edgewright.ops.integer.fixed_point import quantize_multiplier
from edgewright.ops.integer.lstm import LstmConstants, lstm_step
from edgewright.ops.literals import f32_literal

#: rows of x whose gates are computed at once: two register tiles
HELD_ROWS = 24


@op("lstm")
class Lstm(Op):
    """For each step t: gates = w x[t] + r h + bias; c = f c + i g; h = o tanh(c); y[t] = h.

    Gates lie one after the other along the first axis of w [4H,I], r [4H,H] and bias [4H]: i, f,
    o through a sigmoid, g (the third) through a tanh. Absent h0 [N,H] and c0 [N,H] are zeros.
    Results: y [T,N,H], the last h and the last c. `reverse` runs from the last step to the first.

    On int8 it is TFLite's integer LSTM: w and r are int8 with one scale per gate (given per row)
    and zero point 0, bias is int32, c is int16 whose scale is a power of two (2**-12 if c0 is
    absent), `hidden` is the (scale, zero) of o * tanh(c), by default that of h. `cell_clip` (real
    units, 0 for none) bounds |c|.
    """

    reverse: bool = False
    cell_clip: float = 0.0
    hidden: tuple[float, int] | None = None

    def infer(
        self,
        x: TensorType,
        w: TensorType,
        r: TensorType,
        bias: TensorType | None = None,
        h0: TensorType | None = None,
        c0: TensorType | None = None,
    ) -> tuple[TensorType, TensorType, TensorType]:
        require(x.rank == 3 and w.rank == 2 and r.rank == 2, f"lstm of {x}, {w} and {r}")
        steps, batch, inputs = x.shape
        gates, units = r.dims
        require(gates == 4 * units, f"r is {r}, expected [4 * H, H]")
        require(w.shape == (gates, inputs), f"w is {w}, expected [{gates}, {inputs}]")
        require(bias is None or bias.shape == (gates,), f"bias is {bias}, expected [{gates}]")
        for state in (h0, c0):
            require(state is None or state.shape == (batch, units), f"the state is {state}")
        cell = DType.INT16 if x.quant is not None else x.dtype
        h = TensorType(x.dtype, (batch, units))
        return h.with_shape(steps, batch, units), h, TensorType(cell, h.shape)

    def reference(
        self,
        call: Call,
        x: Array,
        w: Array,
        r: Array,
        bias: Array | None = None,
        h0: Array | None = None,
        c0: Array | None = None,
    ) -> tuple[Array, Array, Array]:
        given = call.inputs[0]
        assert given is not None
        shape = (x.shape[1], r.shape[1])
        if given.quant is not None:
            constants = self._constants(call.inputs, call.outputs, w, r, bias)
            zero = _quant(call.outputs[1]).zero[0]
            h = np.full(shape, zero, np.int8) if h0 is None else h0
            c = np.zeros(shape, np.int16) if c0 is None else c0
        else:
            w, r = (
                storage.widened(a, _dtype(t)) for a, t in zip((w, r), call.inputs[1:3], strict=True)
            )
            h = np.zeros(shape) if h0 is None else np.asarray(h0, np.float64)
            c = np.zeros(shape) if c0 is None else np.asarray(c0, np.float64)
        y: list[Array] = []
        for t in reversed(range(x.shape[0])) if self.reverse else range(x.shape[0]):
            if given.quant is not None:
                h, c = lstm_step(x[t], h, c, constants)
            else:
                h, c = self._step(x[t], h, c, w, r, bias)
            y.append(h)
        ordered = np.stack(y[::-1] if self.reverse else y) if y else np.zeros((0, *shape))
        types = [t.dtype.numpy for t in call.outputs]
        return ordered.astype(types[0]), h.astype(types[1]), c.astype(types[2])

    def _step(
        self, x: Array, h: Array, c: Array, w: Array, r: Array, bias: Array | None
    ) -> tuple[Array, Array]:
        with np.errstate(all="ignore"):
            gates = nx.matmul(x, w.T) + nx.matmul(h, r.T) + (0.0 if bias is None else bias)
            i, f, g, o = np.split(gates, 4, axis=-1)
            c = nx.sigmoid(f) * c + nx.sigmoid(i) * nx.tanh(g)
            if self.cell_clip:
                c = np.clip(c, -self.cell_clip, self.cell_clip)
            return nx.sigmoid(o) * nx.tanh(c), c

    def macs(self, node: Node) -> int:
        x, r = node.input(0).type, node.input(2).type
        gates, units = r.dims
        return upper(x.with_shape(*x.shape[:2]).count) * gates * (upper(x.shape[2]) + units)

    def _constants(
        self,
        inputs: Sequence[TensorType | None],
        outputs: Sequence[TensorType],
        w: Array,
        r: Array,
        bias: Array | None,
    ) -> LstmConstants:
        """Fold zero points into the biases and scales into multipliers, as TFLite prepares them."""
        qx, qw, qr, qh = _quant(inputs[0]), _quant(inputs[1]), _quant(inputs[2]), _quant(outputs[1])
        scale_hidden, zero_hidden = self.hidden or (qh.scale[0], qh.zero[0])
        zero = np.zeros(w.shape[0], np.int64) if bias is None else bias.astype(np.int64)
        cell_scale = _cell_scale(outputs[2].quant)
        clip = min(self.cell_clip / cell_scale, 32767.0)
        return LstmConstants(
            w=w,
            r=r,
            bias_w=zero - qx.zero[0] * w.sum(axis=1, dtype=np.int64),
            bias_r=-qh.zero[0] * r.sum(axis=1, dtype=np.int64),
            factor_w=quantize_multiplier(_gate_scales(qx, qw, w.shape[0])),
            factor_r=quantize_multiplier(_gate_scales(qh, qr, r.shape[0])),
            factor_h=quantize_multiplier(2.0**-30 / np.float64(np.float32(scale_hidden))),
            zero_h=zero_hidden,
            cell_bits=15 + round(math.log2(cell_scale)),
            clip=int(clip),
        )

    # -- C -----------------------------------------------------------------------------------------

    def scratch_bytes(self, node: Node, target: Packing) -> int:
        return half.scratch(node, self._kernel_scratch(node, target), _packed_counts(node))

    def _kernel_scratch(self, node: Node, target: Packing) -> int:
        x, units = node.input(0).type, node.input(2).type.dims[1]
        if x.quant is not None:
            return 4 * units * 2
        rows, inputs = _held_steps(x, target) * upper(x.shape[1]), x.shape[2]
        assert isinstance(inputs, int)
        product = packing.conv_scratch_bytes((1, 1), inputs, 4, target.pointer_bytes, rows)
        return rows * 4 * packing.round_up(units, packing.LANES) * 4 + product

    def emit(self, e: Emit) -> None:
        x, (_, h, c) = e.inputs[0], e.outputs
        assert x is not None
        quantised.require_kernel(self.name, x.type)
        self._begin(e, h, c)
        if x.type.quant is None:
            own = self._kernel_scratch(e.node, e.target)
            self._emit_float(half.widen(e, own, _packed_counts(e.node)), x)
        else:
            self._emit_integer(e, x)

    def _emit_float(self, e: Emit, x: Value) -> None:
        units = e.node.input(2).type.dims[1]
        sizes = [e.dim(x, 0), e.dim(x, 1), e.size(x.type.shape[2]), units]
        sizes += [_held_steps(x.type, e.target), int(self.reverse)]
        shape = f"(ew_lstm_shape){{{', '.join(map(str, sizes))}}}"
        results = [e.ptr(value) for value in (*e.outputs[1:], e.outputs[0])]
        clip = f32_literal(self.cell_clip)
        e.header("lstm.h")
        e.call("ew_lstm_f32", shape, e.ptr(x), *_float_numbers(e), clip, *results, e.scratch())

    def _emit_integer(self, e: Emit, x: Value) -> None:
        y, h, c = e.outputs
        inputs, units = x.type.shape[2], e.node.input(2).type.dims[1]
        numbers = self._integer_numbers(e)
        t, n = e.unique("t"), e.unique("n")
        steps, batch = e.dim(x, 0), e.dim(x, 1)
        e.line(f"for (int {t} = 0; {t} < {steps}; ++{t})")
        e.line(f"  for (int {n} = 0; {n} < {batch}; ++{n}) {{")
        step = f"({steps} - 1 - {t})" if self.reverse else t
        row = f"({step} * {batch} + {n})"
        state = [f"{e.ptr(value)} + {n} * {units}" for value in (h, c)]
        source, target = f"{e.ptr(x)} + {row} * {e.size(inputs)}", f"{e.ptr(y)} + {row} * {units}"
        gates = f"(int16_t *){e.scratch()}"
        e.header("lstm_q.h")
        e.call("    ew_lstm_step_s8", source, e.size(inputs), units, *numbers, gates, *state,
               target)  # fmt: skip
        e.line("  }")

    def _begin(self, e: Emit, h: Value, c: Value) -> None:
        """Put the first state where the last one will be."""
        given = [*e.inputs, None, None, None][4:6]
        for value, initial in zip((h, c), given, strict=True):
            if initial is not None:
                e.copy(initial, value)
                continue
            zero = "0"
            if value is h and h.type.quant is not None:
                zero = f"*{e.weight(np.array([h.type.quant.zero[0]], np.int32))}"
            bytes_ = f"(size_t)({e.count(value)}) * {value.type.dtype.itemsize}"
            e.line(f"memset({e.ptr(value)}, {zero}, {bytes_});")

    def _integer_numbers(self, e: Emit) -> list[str]:
        types = [value.type if value else None for value in e.inputs]
        k = self._constants(types, [value.type for value in e.outputs], *_weights(e))
        rows = (
            np.stack([np.asarray(bias).astype(np.int32), *factor], axis=1)
            for bias, factor in ((k.bias_w, k.factor_w), (k.bias_r, k.factor_r))
        )
        factor_h = (int(k.factor_h.value), int(k.factor_h.shift))
        whole = np.array([*factor_h, k.zero_h, k.cell_bits, k.clip], np.int32)
        arrays = [k.w, k.r, *(np.ascontiguousarray(row) for row in rows), whole]
        return [e.weight(array) for array in arrays]


def _weights(e: Emit) -> tuple[Array, Array, Array | None]:
    """w, r and bias, which must be constant."""
    found: list[Array | None] = []
    for value in [*e.inputs, None][1:4]:
        if value is not None and value.data is None:
            raise UnsupportedModel(
                f"lstm reads {value}, which is computed at run time", help="freeze its weights"
            )
        found.append(None if value is None else value.data)
    w, r, bias = found
    assert w is not None and r is not None
    return w, r, bias


def _dtype(type: TensorType | None) -> DType:
    assert type is not None
    return type.dtype


def _packed_counts(node: Node) -> list[int]:
    """Numbers of the packed w and r."""
    units = node.input(2).type.dims[1]
    rows = 4 * packing.round_up(units, packing.LANES)
    return [rows * node.input(1).type.dims[1], rows * units]


def _held_steps(x: TensorType, target: Packing) -> int:
    """Steps whose gates are computed at once: a few, as they take memory."""
    if target.lean_step:
        return 1
    return max(1, min(upper(x.shape[0]), HELD_ROWS // max(1, upper(x.shape[1]))))


def _float_numbers(e: Emit) -> list[str]:
    """w and bias packed as for a product, and r."""
    w, r, bias = _weights(e)
    bias = np.zeros(len(w), np.float32) if bias is None else bias
    packed, offsets = packing.pack_f32(_interleave(w), _interleave(bias.reshape(-1, 1)))
    blocked = _interleave(r).reshape(-1, 4 * packing.LANES, r.shape[1])
    recurrent = np.ascontiguousarray(blocked.transpose(0, 2, 1))
    return [e.weight(array) for array in (packed, offsets.reshape(-1), recurrent)]


def _interleave(rows: Array) -> Array:
    """Gate rows [4H, K] as [blocks * 4 * 16, K]: sixteen units of each gate, zero-filled."""
    gates = rows.reshape(4, rows.shape[0] // 4, rows.shape[1])
    blocks = -(-gates.shape[1] // packing.LANES)
    filled = np.zeros((4, blocks * packing.LANES, rows.shape[1]), np.float32)
    filled[:, : gates.shape[1]] = gates
    blocked = filled.reshape(4, blocks, packing.LANES, rows.shape[1]).swapaxes(0, 1)
    return blocked.reshape(-1, rows.shape[1])


def _quant(type: TensorType | None) -> Quant:
    require(
        type is not None and type.quant is not None, f"lstm of {type} beside quantised operands"
    )
    assert type is not None and type.quant is not None
    return type.quant


def _cell_scale(quant: Quant | None) -> float:
    scale = quant.scale[0] if quant else 2.0**-12
    require(math.frexp(scale)[0] == 0.5, f"the cell's scale {scale} is not a power of two")
    return scale


def _gate_scales(operand: Quant, weight: Quant, rows: int) -> Array:
    """Per row, the factor from products to gates in Q3.12, in the precision TFLite uses."""
    scales = np.broadcast_to(np.array(weight.scale, np.float32), rows)
    product = np.float32(operand.scale[0]) * scales
    return np.asarray(product.astype(np.float64) / 2.0**-12)
