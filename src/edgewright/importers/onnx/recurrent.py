"""LSTM, GRU and RNN over sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgewright.graph import Size, TensorType, Value
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule

#: Our order of the LSTM's gates (i, f, g, o) as places in ONNX's (i, o, f, c).
LSTM_ORDER = (0, 2, 3, 1)


@dataclass(frozen=True)
class Steps:
    """The operands that all recurrent operators share, time first."""

    x: Value
    directions: tuple[bool, ...]  # whether each runs backwards
    units: int

    @property
    def steps(self) -> Size:
        """The number of time steps."""
        return self.x.type.shape[0]


def _sequence(n: SourceNode, gates: int) -> Steps:
    """Check what the recurrent operators have in common."""
    n.require(not n.has("clip"), "clip is not supported", "export the model without it")
    layout = n.integer("layout", 0)
    x = n.transpose(n.input(0), (1, 0, 2)) if layout else n.input(0)
    directions = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}
    direction = n.text("direction", "forward")
    if direction not in directions or x.type.rank != 3:
        n.invalid(f"direction {direction!r} over {x.type}")
    count, rows, units = n.input(2).type.dims
    if count != len(directions[direction]) or rows != gates * units:
        n.invalid(f"the recurrent weight is {n.input(2).type} for {count} directions")
    if n.optional(4) is not None:
        lengths = n.array(4, "sequence_lens")
        full = isinstance(x.type.shape[0], int) and bool((lengths == x.type.shape[0]).all())
        n.require(full, "sequences of differing lengths", "run them one by one")
    return Steps(x, directions[direction], units)


def _activations(n: SourceNode, given: Sequence[str], directions: int) -> None:
    """Refuse other activations than the standard ones."""
    raw = n.attribute("activations")
    names = [v.decode() for v in raw] if raw else list(given) * directions
    wanted = [name.lower() for name in given] * directions
    n.require(
        [name.lower() for name in names] == wanted,
        f"activations {names}",
        f"only {', '.join(given)} are supported",
    )


def _direction(n: SourceNode, index: int, d: int) -> Value | None:
    """The part of an operand [D, ...] that belongs to a direction."""
    value = n.optional(index)
    if value is None:
        return None
    shape = value.type.shape
    begin = (d, *[0] * (value.type.rank - 1))
    part = n.add("slice", value, begin=begin, size=(1, *shape[1:]), stride=(1,) * value.type.rank)
    return n.reshape(part, shape[1:])


def _state(n: SourceNode, index: int, d: int) -> Value | None:
    """An initial state [N,H] of a direction."""
    if n.integer("layout", 0) and n.optional(index) is not None:
        n.inputs[index] = n.transpose(n.input(index), (1, 0, 2))
        value = _direction(n, index, d)
        n.inputs[index] = n.transpose(n.input(index), (1, 0, 2))
        return value
    return _direction(n, index, d)


def _required(n: SourceNode, index: int, d: int) -> Value:
    n.input(index)
    value = _direction(n, index, d)
    assert value is not None
    return value


def _reordered(n: SourceNode, x: Value, order: Sequence[int], units: int) -> Value:
    """Blocks of `units` rows in another order."""
    parts = n.add_all("split", [x], axis=0, sizes=(units,) * len(order))
    return n.add("concat", *(parts[i] for i in order), axis=0)


def _stacked(n: SourceNode, ys: Sequence[Value]) -> Value:
    """[T,N,H] per direction as [T,D,N,H], or [N,T,D,H] in the other layout."""
    parts = [n.reshape(y, (y.type.shape[0], 1, *y.type.shape[1:])) for y in ys]
    y = parts[0] if len(parts) == 1 else n.add("concat", *parts, axis=1)
    return n.transpose(y, (2, 0, 1, 3)) if n.integer("layout", 0) else y


def _last(n: SourceNode, hs: Sequence[Value]) -> Value:
    """[N,H] per direction as [D,N,H], or [N,D,H] in the other layout."""
    parts = [n.reshape(h, (1, *h.type.shape)) for h in hs]
    h = parts[0] if len(parts) == 1 else n.add("concat", *parts, axis=0)
    return n.transpose(h, (1, 0, 2)) if n.integer("layout", 0) else h


# -- LSTM -----------------------------------------------------------------------------------------


@rule("LSTM", since=7)
def lstm(n: SourceNode) -> list[Value]:
    """The IR's operator, once per direction; gates in our order, both biases added up."""
    sequence = _sequence(n, 4)
    _activations(n, ("Sigmoid", "Tanh", "Tanh"), len(sequence.directions))
    n.require(
        not n.integer("input_forget", 0), "input_forget couples the gates", "export without it"
    )
    peepholes = n.optional(7)
    unused = peepholes is None or (peepholes.data is not None and not peepholes.data.any())
    n.require(unused, "peepholes (input P) are not supported", "export the model without them")
    results = [_lstm(n, sequence, d) for d in range(len(sequence.directions))]
    ys, hs, cs = (list(column) for column in zip(*results, strict=True))
    return [_stacked(n, ys), _last(n, hs), _last(n, cs)]


def _lstm(n: SourceNode, sequence: Steps, d: int) -> list[Value]:
    units = sequence.units
    w = _reordered(n, _required(n, 1, d), LSTM_ORDER, units)
    r = _reordered(n, _required(n, 2, d), LSTM_ORDER, units)
    bias = _direction(n, 3, d)
    if bias is not None:
        halves = n.add_all("split", [bias], axis=0, sizes=(4 * units, 4 * units))
        bias = _reordered(n, n.add("add", *halves), LSTM_ORDER, units)
    operands = [sequence.x, w, r, bias, _state(n, 5, d), _state(n, 6, d)]
    return n.add_all("lstm", operands, reverse=sequence.directions[d])


# -- GRU and RNN: a scan over the steps, with the products of the inputs taken out -----------------

Step = Callable[[SourceNode, Value, Value], Value]


def _scanned(n: SourceNode, sequence: Steps, d: int, projected: Value, step: Step) -> list[Value]:
    """Run `h = step(row of projected, h)` over time. Results: y [T,N,H], the last h."""
    batch = sequence.x.type.shape[1]
    start = _state(n, 5, d)
    state = TensorType(sequence.x.type.dtype, (batch, sequence.units))
    if start is None:
        zero = n.scalar(0, sequence.x)
        start = n.add("expand", zero, shape=state.shape)
    inner = n.inside("step")
    graph = inner.builder.graph
    h = graph.add_input("h", state)
    row = graph.add_input("x", projected.type.with_shape(*projected.type.shape[1:]))
    new = step(inner, row, h)
    graph.outputs = [new, new]
    way = (int(sequence.directions[d]),)
    last, y = n.add_all(
        "scan",
        [start, projected],
        [graph],
        num_scan_inputs=1,
        scan_input_directions=way,
        scan_output_directions=way,
    )
    return [y, last]


def _parts(n: SourceNode, x: Value, units: int) -> list[Value]:
    """The gates along the last axis."""
    count = int(str(x.type.shape[-1])) // units
    if count == 1:
        return [x]
    return n.add_all("split", [x], axis=x.type.rank - 1, sizes=(units,) * count)


def _biases(n: SourceNode, d: int, size: int) -> list[Value | None]:
    """The input's and the state's bias, [size] each."""
    bias = _direction(n, 3, d)
    return (
        [None, None] if bias is None else [*n.add_all("split", [bias], axis=0, sizes=(size, size))]
    )


@rule("RNN", since=7)
def rnn(n: SourceNode) -> list[Value]:
    """The plain recurrence h = tanh(W x + R h + b)."""
    sequence = _sequence(n, 1)
    _activations(n, ("Tanh",), len(sequence.directions))
    results = [_rnn(n, sequence, d) for d in range(len(sequence.directions))]
    ys, hs = (list(column) for column in zip(*results, strict=True))
    return [_stacked(n, ys), _last(n, hs)]


def _rnn(n: SourceNode, sequence: Steps, d: int) -> list[Value]:
    first, second = _biases(n, d, sequence.units)
    projected = n.add("fully_connected", sequence.x, _required(n, 1, d), first)
    r = _required(n, 2, d)

    def step(inner: SourceNode, x: Value, h: Value) -> Value:
        return inner.add("tanh", inner.add("add", x, inner.add("fully_connected", h, r, second)))

    return _scanned(n, sequence, d, projected, step)


@rule("GRU", since=7)
def gru(n: SourceNode) -> list[Value]:
    """z, r = sigmoid(…); g = tanh(W x + R (r h)); h = (1 - z) g + z h."""
    sequence = _sequence(n, 3)
    _activations(n, ("Sigmoid", "Tanh"), len(sequence.directions))
    results = [_gru(n, sequence, d) for d in range(len(sequence.directions))]
    ys, hs = (list(column) for column in zip(*results, strict=True))
    return [_stacked(n, ys), _last(n, hs)]


def _gru(n: SourceNode, sequence: Steps, d: int) -> list[Value]:
    units = sequence.units
    first, second = _biases(n, d, 3 * units)
    projected = n.add("fully_connected", sequence.x, _required(n, 1, d), first)
    weight = _Gates(n, _required(n, 2, d), second, units)
    before = bool(n.integer("linear_before_reset", 0))

    def step(inner: SourceNode, x: Value, h: Value) -> Value:
        xz, xr, xg = _parts(inner, x, units)
        both = inner.add("fully_connected", h, weight.zr, weight.zr_bias)
        hz, hr = _parts(inner, both, units)
        z = inner.add("sigmoid", inner.add("add", xz, hz))
        r = inner.add("sigmoid", inner.add("add", xr, hr))
        if before:
            mixed = inner.add("mul", r, inner.add("fully_connected", h, weight.g, weight.g_bias))
        else:
            mixed = inner.add("fully_connected", inner.add("mul", r, h), weight.g, weight.g_bias)
        g = inner.add("tanh", inner.add("add", xg, mixed))
        return inner.add("add", g, inner.add("mul", z, inner.add("sub", h, g)))

    return _scanned(n, sequence, d, projected, step)


class _Gates:
    """The recurrent weights: z and r together, g apart."""

    def __init__(self, n: SourceNode, r: Value, bias: Value | None, units: int) -> None:
        sizes = (2 * units, units)
        self.zr, self.g = n.add_all("split", [r], axis=0, sizes=sizes)
        self.zr_bias: Value | None = None
        self.g_bias: Value | None = None
        if bias is not None:
            self.zr_bias, self.g_bias = n.add_all("split", [bias], axis=0, sizes=sizes)
