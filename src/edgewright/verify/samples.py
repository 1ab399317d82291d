"""Inputs for verification: reproducible, within the ranges that the model can take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright.graph import DType, Graph, Symbol, Value, upper
from edgewright.graph.dims import Dim

Array = npt.NDArray[Any]
Range = tuple[float, float]
_MACS_PER_VECTOR = 60_000_000
MOST_VECTORS = 4


def vector_count(macs: int) -> int:
    """How many vectors a model of that size gets: large ones take long in the reference."""
    return max(1, min(MOST_VECTORS, _MACS_PER_VECTOR * MOST_VECTORS // max(macs, 1)))


def has_run_time_sizes(graph: Graph) -> bool:
    """Whether any input's size is chosen at run time."""
    return bool(_symbols(graph))


def draw(
    graph: Graph,
    count: int,
    ranges: Mapping[str, Range] | None = None,
    seed: int = 0,
    most: int = 100,
) -> list[dict[str, Array]]:
    """`count` dicts of inputs by value name; run-time dims take several sizes.

    Args:
        graph: an entry point.
        count: how many.
        ranges: low and high in real units by input name, from the model contract; without one,
            floats are normal with deviation 1 and integers cover their type. Every second sample
            keeps to a narrow band of the range, since values spread over all of it drive a
            classifier to one answer.
        seed: of NumPy's PCG64, whose stream is the same everywhere.
        most: the largest of integers that have neither a quantisation nor a range.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    dims = _dim_choices(graph, count)
    return [
        {v.name: _one(v, generator, (ranges or {}).get(v.name), env, index % 2 == 1, most)
         for v in graph.inputs}
        for index, env in enumerate(dims)
    ]  # fmt: skip


def _dim_choices(graph: Graph, count: int) -> list[dict[str, int]]:
    """Sizes for each sample: the lowest, then odd ones above it, which stay quick to check."""
    symbols = sorted(_symbols(graph), key=lambda s: s.name)
    choices = []
    for index in range(count):
        env = {}
        for place, symbol in enumerate(symbols):
            step = (0, 13 + place, 40 - 3 * place)[index % 3]
            env[symbol.name] = min(symbol.high, symbol.low + step)
        choices.append(env)
    return choices


def _symbols(graph: Graph) -> set[Symbol]:
    found: set[Symbol] = set()
    for value in graph.inputs:
        for size in value.type.shape:
            if isinstance(size, Dim):
                found |= size.symbols()
    return found


def _one(
    value: Value,
    generator: np.random.Generator,
    limits: Range | None,
    env: Mapping[str, int],
    narrow: bool,
    most: int,
) -> Array:
    shape, dtype = value.type.at(env), value.type.dtype
    if dtype is DType.BOOL:
        first, last = map(int, limits or (0, 1))
        return generator.integers(first, last + 1, shape).astype(np.bool_)
    bound = index_bound(value)
    if bound is not None:
        return generator.integers(0, bound, shape).astype(dtype.numpy)
    if dtype.is_float:
        if limits is None:
            return generator.standard_normal(shape, np.float32).astype(dtype.numpy)
        low, high = _band(generator, *limits) if narrow else limits
        return (low + (high - low) * generator.random(shape, np.float32)).astype(dtype.numpy)
    low_int, high_int = _integer_range(value, limits, most)
    if narrow:
        low_int, high_int = map(round, _band(generator, low_int, high_int))
    return generator.integers(low_int, high_int + 1, shape).astype(dtype.numpy)


def _band(generator: np.random.Generator, low: float, high: float) -> Range:
    """An eighth of a range, somewhere in it."""
    width = (high - low) / 8
    start = low + (high - low - width) * float(generator.random())
    return start, start + width


def _integer_range(value: Value, limits: Range | None, most: int) -> tuple[int, int]:
    info = np.iinfo(value.type.dtype.numpy)
    low, high = int(info.min), int(info.max)
    quant = value.type.quant
    if limits is not None and quant is not None:
        ends = [round(x / quant.scale[0]) + quant.zero[0] for x in limits]
        low, high = max(low, ends[0]), min(high, ends[1])
    elif limits is not None:
        low, high = max(low, math.ceil(limits[0])), min(high, math.floor(limits[1]))
    elif quant is None and info.bits > 16:
        low, high = -most, most
    return low, high


_PASSING = frozenset({"cast", "reshape", "transpose", "expand", "slice", "concat", "quantize"})


def index_bound(value: Value, depth: int = 8) -> int | None:
    """How large an index may be when the value selects rows of a table, else None."""
    bounds: list[int] = []
    for node in value.users if depth else []:
        if node.op == "gather" and node.inputs[1] is value:
            bounds.append(upper(node.input(0).type.shape[node.attrs.get("axis", 0)]))
        elif node.op in _PASSING and node.outputs:
            further = index_bound(node.outputs[0], depth - 1)
            bounds += [further] if further is not None else []
    return min(bounds) if bounds else None
