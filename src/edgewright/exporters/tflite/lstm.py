"""LSTM: UNIDIRECTIONAL_SEQUENCE_LSTM where the state lives between calls, else step by step."""

from __future__ import annotations

import numpy as np

from edgewright.exporters.tflite.node import ExportedNode
from edgewright.exporters.tflite.records import Tensor
from edgewright.exporters.tflite.rule import rule
from edgewright.graph import DType, Quant, TensorType

GATES = 4
TANH = 4  # ActivationFunctionType
#: longer sequences would make files that take minutes to load
MOST_STEPS = 256
_INPUTS = 24
_INPUT_WEIGHTS, _RECURRENT_WEIGHTS, _BIASES, _HIDDEN, _CELL = 1, 5, 12, 18, 19


@rule("lstm")
def lstm(node: ExportedNode) -> None:
    """A builtin operator, or the steps written out."""
    states = node.scope.sequences.get(node.node)
    if states is not None:
        _sequence(node, states)
    else:
        _unrolled(node)


def _sequence(node: ExportedNode, states: tuple[str, str]) -> None:
    """The operator that delegates know; its state is in variable tensors."""
    operands: list[Tensor | None] = [None] * _INPUTS
    operands[0] = node.input(0)
    for first, index in ((_INPUT_WEIGHTS, 1), (_RECURRENT_WEIGHTS, 2)):
        operands[first : first + GATES] = _gates(node, index)
    operands[_BIASES : _BIASES + GATES] = _biases(node)
    for place, name in zip((_HIDDEN, _CELL), states, strict=True):
        tensor = node.scope.add(name, node.scope.module.states[name].type)
        tensor.is_variable = True
        operands[place] = tensor
    node.add("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, node.output(),
             fused_activation_function=TANH, cell_clip=float(node.attrs.cell_clip),
             proj_clip=0.0, time_major=True)  # fmt: skip
    if node.is_quantised:
        node.scope.subgraph.operators[-1].intermediates = _intermediates(node)


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
    y, last_h, last_c = (v for v in node.node.outputs)
    used = [bool(v.users) or v in node.scope.graph.outputs for v in (y, last_h, last_c)]
    if used[0] and len(rows) == 1:
        node.reshape(rows[0], *y.type.shape, output=node.output(0))
    elif used[0]:
        node.add("PACK", rows, node.output(0), axis=0, values_count=len(rows))
    for index, tensor in ((1, h), (2, c)):
        if used[index]:
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
