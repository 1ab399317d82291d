"""Hypothesis strategies: sizes, tensor types, whole modules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, cast

import numpy as np
from hypothesis import strategies as st

from edgewright.graph import (
    Array,
    DType,
    Graph,
    Module,
    Node,
    Quant,
    Size,
    State,
    Symbol,
    TensorType,
    Value,
)

Width = Literal[16, 32, 64]
SYMBOLS = (Symbol("h", 1, 9), Symbol("w", 3, 7), Symbol("time_2", 0, 5))
BINARY: tuple[Callable[[Any, Any], Any], ...] = (
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
)


def sizes() -> st.SearchStrategy[Size]:
    """Expressions over `SYMBOLS`, ints included."""
    leaves: st.SearchStrategy[Size] = st.one_of(
        st.sampled_from(SYMBOLS), st.integers(min_value=-4, max_value=6)
    )

    def grow(inner: st.SearchStrategy[Size]) -> st.SearchStrategy[Size]:
        combined = st.builds(lambda f, a, b: f(a, b), st.sampled_from(BINARY), inner, inner)
        divided = st.builds(lambda a, b: a // b, inner, st.integers(1, 5))
        return st.one_of(combined, divided)

    return st.recursive(leaves, grow, max_leaves=6)


def environments() -> st.SearchStrategy[dict[str, int]]:
    """A value within its bounds for each of `SYMBOLS`."""
    return st.fixed_dictionaries({s.name: st.integers(s.low, s.high) for s in SYMBOLS})


H, W, T = SYMBOLS
FIXED: tuple[Size, ...] = (0, 1, 2, 3, 5)
OPEN: tuple[Size, ...] = (H, 2 * H, 3 * H - 2, (H + W) // 2, W * T + H * (W // 2) + 1, 7 - W)
#: anything that a model file may hold as a name
names = st.text(st.characters(codec="utf-8"), max_size=8) | st.text('ab.:/-_ "\\\n%0', max_size=6)
floats = st.floats(width=32, allow_nan=False).map(float)
scales = st.floats(min_value=2.0**-40, max_value=2.0**20, width=32).map(float)


@st.composite
def quants(draw: st.DrawFn, dtype: DType, shape: tuple[Size, ...]) -> Quant | None:
    """None, one scale, or one per index of a fixed axis."""
    if not dtype.is_integer:
        return None
    fixed = [i for i, d in enumerate(shape) if isinstance(d, int) and d > 0]
    kind = draw(st.sampled_from(["none", "tensor", *(["axis"] if fixed else [])]))
    if kind == "none":
        return None
    axis = draw(st.sampled_from(fixed)) if kind == "axis" else None
    count = 1 if axis is None else int(str(shape[axis]))
    pairs = draw(st.lists(st.tuples(scales, st.integers(-128, 255)), min_size=count,
                          max_size=count))  # fmt: skip
    block = draw(st.none() | st.just(32))
    return Quant(tuple(s for s, _ in pairs), tuple(z for _, z in pairs), axis, block)


@st.composite
def types(draw: st.DrawFn, static: bool = False) -> TensorType:
    """Any element type, up to three axes, some of run-time size."""
    dtype = draw(st.sampled_from(DType))
    shape = tuple(draw(st.lists(st.sampled_from(FIXED if static else FIXED + OPEN), max_size=3)))
    return TensorType(dtype, shape, draw(quants(dtype, shape)))


def arrays(type: TensorType) -> st.SearchStrategy[Array]:
    """Contents, extremes and non-numbers included."""
    held = type.dtype.numpy
    if held.kind == "b":
        element: st.SearchStrategy[Any] = st.booleans()
    elif held.kind == "f":
        element = st.floats(width=cast(Width, held.itemsize * 8)) | st.sampled_from(
            [np.inf, -np.inf, -0.0]
        )
    else:
        element = st.integers(int(np.iinfo(held).min), int(np.iinfo(held).max))
    drawn = st.lists(element, min_size=1, max_size=6)  # repeated: many elements take long to draw
    return drawn.map(lambda values: np.resize(np.array(values, held), type.dims))


def attributes() -> st.SearchStrategy[dict[str, Any]]:
    """What operators keep: numbers, words, sizes, and tuples of them."""
    keys = st.sampled_from(["axis", "clamp", "mode", "pads", "shape", "value"])
    leaf = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=True)
        | names
        | st.sampled_from(OPEN)
    )
    return st.dictionaries(keys, leaf | st.lists(leaf | st.lists(leaf, max_size=2), max_size=3))


@st.composite
def modules(draw: st.DrawFn) -> Module:
    """Graphs whose operators mean nothing, but whose parts are all that the text form knows."""
    module = Module(requantization=draw(st.sampled_from(["float", "fixed"])))
    for name in draw(st.lists(names, max_size=2, unique=True)):
        type = draw(types(static=True))
        module.states[name] = State(name, type, draw(arrays(type)))
    for name in draw(st.sampled_from([("main",), ("main", "init")])):
        graph = Graph(name)
        # Sizes are declared by the inputs.
        known = [graph.add_input(draw(names), TensorType(DType.INT8, SYMBOLS))]
        known += [
            graph.add_input(draw(names), draw(types())) for _ in range(draw(st.integers(0, 2)))
        ]
        _fill(draw, graph, known, depth=0)
        module.graphs[name] = graph
    return module


def _fill(draw: st.DrawFn, graph: Graph, known: list[Value], depth: int) -> None:
    """Add nodes that read what is known, and outputs."""
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.booleans()):
            type = draw(types(static=True))
            known.append(graph.constant(draw(names), draw(arrays(type)), type))
        inputs = draw(st.lists(st.none() | st.sampled_from(known), max_size=3))
        node = Node(draw(st.sampled_from(["add", "conv", "none_of_ours"])), list(inputs), [])
        node.attrs = draw(attributes())
        for index in range(draw(st.sampled_from([0, 0, 1, 2])) if depth < 2 else 0):
            region = Graph(f"region_{index}", graph)
            inner = [region.add_input(draw(names), draw(types(static=True)))]
            _fill(draw, region, [*known, *inner], depth + 1)
            node.regions.append(region)
        results = [graph.value(draw(names), draw(types())) for _ in range(draw(st.integers(0, 2)))]
        node.outputs = results
        graph.insert(node)
        known.extend(results)
    graph.outputs = draw(st.lists(st.sampled_from(known), max_size=3))
