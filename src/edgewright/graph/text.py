"""The text form of graphs: printing.

    module requantization="float"
    dim h: 64..512
    state %ring: int8[1,2,40]<0.5:3> = sha256:…
    graph main(%x: float32[1,h,4]) -> (%y) {
      const %w: float32[3,4] = sha256:…
      %y: float32[1,h,3] = fully_connected(%x, %w, none) {clamp=[0.0, inf]}
    }

Constants of up to 16 elements are written out; longer ones print their SHA-256 and live in a data
file (`constants_of`). `graph/parse.py` reads the form back.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from edgewright.graph.dims import Dim, Symbol
from edgewright.graph.graph import Array, Graph, Module, Node, Value
from edgewright.graph.types import Quant, TensorType

INLINE_LIMIT = 16
_BARE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")


def name_text(name: str) -> str:
    """A value's name behind its `%`, quoted when it holds unusual characters."""
    if _BARE.fullmatch(name):
        return f"%{name}"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'%"{escaped}"'


def number_text(value: float | int | bool) -> str:
    """A number that reads back to the same bits."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating):
        return repr(float(value))
    return str(int(value))


def attribute_text(value: Any) -> str:
    """An attribute value."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple | list):
        return "[" + ", ".join(attribute_text(v) for v in value) + "]"
    if isinstance(value, Dim):
        return str(value)
    return number_text(value)


@functools.lru_cache(maxsize=4096)  # per-channel scales are long, and messages print types often
def quant_text(quant: Quant) -> str:
    """`<scale:zero>`, with `axis=` and `block=` where there are several."""
    pairs = ", ".join(f"{number_text(s)}:{z}" for s, z in zip(quant.scale, quant.zero, strict=True))
    axis = "" if quant.axis is None else f"axis={quant.axis} "
    block = "" if quant.block is None else f"block={quant.block} "
    return f"<{axis}{block}{pairs}>"


def type_text(type: TensorType) -> str:
    """`dtype[shape]<quant>`."""
    shape = ",".join(map(str, type.shape))
    quant = quant_text(type.quant) if type.quant else ""
    return f"{type.dtype.value}[{shape}]{quant}"


def digest(data: Array) -> str:
    """SHA-256 over dtype, shape and little-endian bytes of a constant."""
    little = np.ascontiguousarray(data, data.dtype.newbyteorder("<"))
    head = f"{data.dtype.name}{list(data.shape)}".encode()
    return hashlib.sha256(head + little.tobytes()).hexdigest()


def _data_text(data: Array) -> str:
    if data.size <= INLINE_LIMIT:
        return "[" + ", ".join(number_text(v) for v in data.ravel()) + "]"
    return f"sha256:{digest(data)}"


def constants_of(module: Module) -> dict[str, Array]:
    """The constants that the text form only names, by their SHA-256."""
    arrays = [v.data for g in module.graphs.values() for v in g.constants()]
    arrays += [s.init for s in module.states.values()]
    return {digest(a): a for a in arrays if a is not None and a.size > INLINE_LIMIT}


def module_text(module: Module) -> str:
    """The whole module."""
    lines = [f'module requantization="{module.requantization}"']
    for symbol in sorted(_symbols(module), key=lambda s: s.name):
        lines.append(f"dim {symbol.name}: {symbol.low}..{symbol.high}")
    for state in module.states.values():
        lines.append(f"state {name_text(state.name)}: {state.type} = {_data_text(state.init)}")
    for graph in module.graphs.values():
        lines += graph_lines(graph)
    return "\n".join(lines) + "\n"


def _symbols(module: Module) -> set[Symbol]:
    found: set[Symbol] = set()
    for graph in module.graphs.values():
        for value in graph.inputs:
            for size in value.type.shape:
                if isinstance(size, Dim):
                    found |= size.symbols()
    return found


def graph_lines(graph: Graph) -> list[str]:
    """A top-level graph."""
    head = ", ".join(f"{name_text(v.name)}: {v.type}" for v in graph.inputs)
    tail = ", ".join(name_text(v.name) for v in graph.outputs)
    lines = [f"graph {graph.name}({head}) -> ({tail}) {{"]
    for value in graph.constants():
        assert value.data is not None
        lines.append(f"  const {name_text(value.name)}: {value.type} = {_data_text(value.data)}")
    return [*lines, *_body(graph, "  "), "}"]


def _body(graph: Graph, indent: str) -> list[str]:
    return [line for node in graph.nodes for line in node_lines(node, indent)]


def node_lines(node: Node, indent: str = "") -> list[str]:
    """One node and its regions."""
    left = ", ".join(f"{name_text(v.name)}: {v.type}" for v in node.outputs)
    inputs = ", ".join("none" if v is None else name_text(v.name) for v in node.inputs)
    line = f"{indent}{left} = " if left else indent
    line += f"{node.op}({inputs})"
    if node.attrs:
        attrs = (f"{k}={attribute_text(v)}" for k, v in sorted(node.attrs.items()))
        line += " {" + ", ".join(attrs) + "}"
    lines = [line]
    for region in node.regions:
        lines += _region_lines(region, indent)
    return lines


def _region_lines(region: Graph, indent: str) -> Iterable[str]:
    head = ", ".join(f"{name_text(v.name)}: {v.type}" for v in region.inputs)
    tail = ", ".join(name_text(v.name) for v in region.outputs)
    yield f"{indent}  region {region.name}({head}) -> ({tail}) {{"
    yield from _body(region, indent + "    ")
    yield f"{indent}  }}"


def values_of(graph: Graph) -> dict[str, Value]:
    """Every value of a graph and its regions by name."""
    found = {v.name: v for v in graph.constants()}
    for inner in graph.walk_graphs():
        found.update({v.name: v for v in inner.inputs})
    for node in graph.walk():
        found.update({v.name: v for v in node.outputs})
    return found
