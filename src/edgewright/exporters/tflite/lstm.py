"""LSTM: UNIDIRECTIONAL_SEQUENCE_LSTM where its state can be made to suit, else step by step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewright.exporters.tflite.node import ExportedNode
from edgewright.exporters.tflite.records import Tensor
from edgewright.exporters.tflite.rule import rule
from edgewright.graph import DType, Quant, TensorType

GATES = 4
TANH = 4  # ActivationFunctionType
#: longer sequences would make files that take minutes to load
MOST_STEPS = 256
#: shorter sequences are as quick written out
FEWEST_STEPS = 4
#: of a gate before its sigmoid, which then is 0 in float32 and in float16
_SHUT = -1e4
_INPUTS = 24
_INPUT_WEIGHTS, _RECURRENT_WEIGHTS, _BIASES, _HIDDEN, _CELL = 1, 5, 12, 18, 19


@rule("lstm")
def lstm(node: ExportedNode) -> None:
    """The builtin operator where its state suits, or the steps written out."""
    states = node.scope.sequences.get(node.node)
    if states is not None:
        tensors = [_variable(node, name) for name in states]
        _sequence(node, node.input(0), tensors, node.output(), _gates(node, 1))
    elif _starts_anew(node):
        _reset_sequence(node)
    else:
        _unrolled(node)


def _variable(node: ExportedNode, name: str) -> Tensor:
    tensor = node.scope.add(name, node.scope.module.states[name].type)
    tensor.is_variable = True
    return tensor


def _sequence(
    node: ExportedNode,
    x: Tensor,
    states: Sequence[Tensor],
    y: Tensor,
    weights: Sequence[Tensor | None],
) -> None:
    """The operator that delegates know; its state is in variable tensors."""
    operands: list[Tensor | None] = [None] * _INPUTS
    operands[0] = x
    operands[_INPUT_WEIGHTS : _INPUT_WEIGHTS + GATES] = weights
    operands[_RECURRENT_WEIGHTS : _RECURRENT_WEIGHTS + GATES] = _gates(node, 2)
    operands[_BIASES : _BIASES + GATES] = _biases(node)
    operands[_HIDDEN], operands[_CELL] = states
    node.add("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, y,
             fused_activation_function=TANH, cell_clip=float(node.attrs.cell_clip),
             proj_clip=0.0, time_major=True)  # fmt: skip
    if node.is_quantised:
        node.scope.subgraph.operators[-1].intermediates = _intermediates(node)


def _starts_anew(node: ExportedNode) -> bool:
    """Whether each call begins at zero, nothing reads the last c, and there are several steps."""
    x = node.value(0).type
    first = [node.optional_value(4), node.optional_value(5)]
    zero = all(v is None or (v.data is not None and not np.any(v.data)) for v in first)
    plain = x.quant is None and x.is_static and node.scope.weights != "dynamic_range"
    return zero and not node.is_read(2) and plain and x.dims[0] >= FEWEST_STEPS


def _reset_sequence(node: ExportedNode) -> None:
    """The same operator, made to forget what the last call left in its state.

    A step goes before the others, in which one more input shuts the gates that keep the old cell
    and let new values in: c and h become zero, exactly.
    """
    steps, batch, inputs = node.value(0).type.dims
    x, y = node.input(0), node.output()
    shut = np.zeros((1, batch, inputs + 1), np.float32)
    shut[:, :, -1] = 1.0
    wide = node.add("PAD", [x, node.ints([(0, 0), (0, 0), (0, 1)], "pads")],
                    node.like(x, steps, batch, inputs + 1, what="pad"))  # fmt: skip
    if node.attrs.reverse:
        wide = _reversed(node, wide, node.like(wide))
    long = node.add("CONCATENATION", [node.constant("reset", shut), wide],
                    node.like(x, steps + 1, batch, inputs + 1, what="steps"),
                    axis=0, fused_activation_function=0)  # fmt: skip
    made = node.like(y, steps + 1, *y.type.shape[1:], what="sequence")
    type = y.type.with_shape(*y.type.shape[1:])
    states = [node.temporary(type, name) for name in ("h", "c")]
    for state in states:
        state.is_variable = True
    _sequence(node, long, states, made, _shutting_gates(node))
    _after_reset(node, made, steps)
    node.scope.note("LSTMs begin each call at zero by a step that clears their state; a NaN in an "
                    "input stays until the runtime resets its variables")  # fmt: skip


def _shutting_gates(node: ExportedNode) -> list[Tensor | None]:
    """The input weights with a column that shuts the input and the forget gate."""
    made: list[Tensor | None] = []
    for gate, part in enumerate(np.split(node.data(1, "the weight"), GATES)):
        column = np.full((part.shape[0], 1), _SHUT if gate in (0, 1) else 0.0, np.float32)
        wide = np.concatenate([part, column], axis=1)
        made.append(node.constant(f"w{gate}", wide))
    return made


def _after_reset(node: ExportedNode, made: Tensor, steps: int) -> None:
    """y without its first step, and the last h."""
    shape = node.output().type.dims
    if node.is_read(0):
        target = node.like(made, *shape) if node.attrs.reverse else node.output()
        begin, size = node.ints([1, 0, 0], "begin"), node.ints(shape, "size")
        node.add("SLICE", [made, begin, size], target)
        if node.attrs.reverse:
            _reversed(node, target, node.output())
    if node.is_read(1):
        begin, size = node.ints([steps, 0, 0], "begin"), node.ints([1, *shape[1:]], "size")
        step = node.add("SLICE", [made, begin, size], node.like(made, 1, *shape[1:]))
        node.reshape(step, *shape[1:], output=node.output(1))


def _reversed(node: ExportedNode, x: Tensor, output: Tensor) -> Tensor:
    """x from its last step to its first."""
    begin, end = node.ints([-1, 0, 0], "begin"), node.ints([0, 0, 0], "end")
    strides = node.ints([-1, 1, 1], "strides")
    return node.add("STRIDED_SLICE", [x, begin, end, strides], output, begin_mask=6, end_mask=7)


def _gates(node: ExportedNode, index: int) -> list[Tensor | None]:
    """The four matrices of a stacked one, each with its own scale."""
    value, data = node.value(index), node.data(index, "the weight")
    rows = data.shape[0] // GATES
    made: list[Tensor | None] = []
    for gate in range(GATES):
        part = np.ascontiguousarray(data[gate * rows : (gate + 1) * rows])
        quant = value.type.quant
        if quant is not None:
            place = gate * rows if len(quant.scale) > 1 else 0
            quant = Quant((quant.scale[place],), (quant.zero[place],))
        made.append(node.scope.weight(f"{value.name}/{gate}", part, quant, None))
    return made


def _biases(node: ExportedNode) -> list[Tensor | None]:
    value = node.optional_value(3)
    units = node.value(2).type.dims[1]
    dtype = np.int32 if node.is_quantised else np.float32
    data = np.zeros(GATES * units, dtype) if value is None else node.data(3, "the bias")
    name = "bias" if value is None else value.name
    parts = np.split(data, GATES)
    return [
        node.scope.constant(f"{name}/{g}", p, _bias_quant(node, g)) for g, p in enumerate(parts)
    ]


def _bias_quant(node: ExportedNode, gate: int) -> Quant | None:
    qx, qw = node.value(0).type.quant, node.value(1).type.quant
    if qx is None or qw is None:
        return None
    place = gate * (len(qw.scale) // GATES) if len(qw.scale) > 1 else 0
    return Quant.per_tensor(float(np.float32(qx.scale[0]) * np.float32(qw.scale[place])))


def _intermediates(node: ExportedNode) -> list[Tensor]:
    """What the integer operator wants to know of its inside: nothing of gates, o * tanh(c).

    They hold no elements: microcontrollers' runtime refuses to give them memory.
    """
    gate = TensorType(DType.FLOAT32, (0,))
    made = [node.temporary(gate, f"gate{g}") for g in range(GATES)]
    quant = node.node.outputs[1].type.quant
    if node.attrs.hidden is not None:
        quant = Quant.per_tensor(*node.attrs.hidden)
    return [*made, node.temporary(TensorType(DType.INT8, (0,), quant), "hidden")]


def _unrolled(node: ExportedNode) -> None:
    """Matrix products and activations, one set for each step."""
    x = node.input(0)
    node.require(not node.is_quantised, "a quantised LSTM whose state does not live between calls")
    node.require(x.type.is_static, "an LSTM over run-time sizes")
    steps, batch, _ = x.type.dims
    why = f"an LSTM of {steps} steps whose state does not live between calls"
    node.require(steps <= MOST_STEPS, why, "tie its state to inputs and outputs (--state)")
    cell = _Cell(node, batch)
    h, c = cell.start(4), cell.start(5)
    parts = cell.projected(x)
    made: dict[int, Tensor] = {}
    for t in reversed(range(steps)) if node.attrs.reverse else range(steps):
        h, c = cell.step(parts[t], h, c)
        made[t] = h
    _collect(node, [made[t] for t in range(steps)], h, c)


def _collect(node: ExportedNode, rows: list[Tensor], h: Tensor, c: Tensor) -> None:
    """The three results, as far as they are read."""
    if node.is_read(0) and len(rows) == 1:
        node.reshape(rows[0], *node.type.shape, output=node.output(0))
    elif node.is_read(0):
        node.add("PACK", rows, node.output(0), axis=0, values_count=len(rows))
    for index, tensor in ((1, h), (2, c)):
        if node.is_read(index):
            node.copy(tensor, node.output(index))


class _Cell:
    """One step of an LSTM, over and over with the same weights."""

    def __init__(self, node: ExportedNode, batch: int) -> None:
        self.node = node
        self.units = node.value(2).type.dims[1]
        self.type = TensorType(DType.FLOAT32, (batch, self.units))
        bias = node.optional_value(3)
        zeros = np.zeros(GATES * self.units, np.float32)
        self.w = self._weight(1)
        self.r = self._weight(2)
        self.bias = node.scope.tensor(bias) if bias else node.constant("bias", zeros)

    def _weight(self, index: int) -> Tensor:
        value = self.node.value(index)
        return self.node.scope.weight(
            value.name, self.node.data(index, "the weight"), value.type.quant, None
        )

    def start(self, index: int) -> Tensor:
        """The first h or c."""
        if self.node.optional_value(index) is not None:
            return self.node.input(index)
        return self.node.scope.shared("zeros", np.zeros(self.type.dims, np.float32))

    def product(self, x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
        """x w^T + bias, all gates at once."""
        made = self.node.like(self.type, *x.type.shape[:-1], GATES * self.units)
        return self.node.add("FULLY_CONNECTED", [x, w, bias], made, fused_activation_function=0,
                             keep_num_dims=x.type.rank > 2)  # fmt: skip

    def projected(self, x: Tensor) -> list[Tensor]:
        """x[t] w^T + bias for all steps, by one product: [N,4H] each."""
        steps, batch, inputs = x.type.dims
        if steps == 1:
            return [self.product(self.node.reshape(x, batch, inputs), self.w, self.bias)]
        whole = self.product(x, self.w, self.bias)
        rows = [self.node.like(whole, batch, GATES * self.units) for _ in range(steps)]
        self.node.add("UNPACK", [whole], rows, axis=0, num=steps)
        return rows

    def step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """The next h and c from a projected x."""
        node = self.node
        total = node.step("ADD", x, self.product(h, self.r, None), fused_activation_function=0)
        i, f, g, o = (node.temporary(self.type, "gate") for _ in range(GATES))
        axis = node.scope.shared("axis", np.asarray(1, np.int32))
        node.add("SPLIT", [axis, total], [i, f, g, o], num_splits=GATES)
        i, f, o = (node.step("LOGISTIC", gate) for gate in (i, f, o))
        kept = node.step("MUL", f, c, fused_activation_function=0)
        fresh = node.step("MUL", i, node.step("TANH", g), fused_activation_function=0)
        c = node.step("ADD", kept, fresh, fused_activation_function=0)
        clip = float(node.attrs.cell_clip)
        if clip:
            held, clamped = c, node.temporary(self.type, "clip")
            node.clamp(held, clamped, (-clip, clip))
            c = clamped
        return node.step("MUL", o, node.step("TANH", c), fused_activation_function=0), c
