"""Operators that arrange elements: reshape, transpose, expand, tile; the shape itself; casts."""

from __future__ import annotations

from edgewright.exporters.onnx.file import ELEMENT_TYPES
from edgewright.exporters.onnx.layout import (
    Perm,
    arranged,
    between,
    identity,
    inverse,
    is_identity,
    moves,
)
from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule
from edgewright.graph import DType, Size
from edgewright.passes.blocks import permute_reshape

MATRIX = 2  # axes
PRODUCTS = ("fully_connected", "fully_connected_blocks")


@rule("reshape")
def reshape(n: NodeWriter) -> None:
    """Reshape, in whatever order the operand is held where that only splits or merges axes."""
    _keep_quantisation(n)
    shape, perm = tuple(n.y.type.shape), n.held()
    plain = identity(n.x.type.rank)
    if n.x.is_constant or plain in n.writer.orders(n.x) or not _moves(n, perm):
        n.writer.define(n.y, n.writer.reshaped(n.writer.tensor(n.x), shape))
        return
    tensor = n.writer.tensor(n.x, perm)
    found = permute_reshape(arranged(n.x.type.shape, perm), inverse(perm), shape)
    if found is not None:
        held, back = found
        n.writer.define(n.y, n.writer.reshaped(tensor, held), inverse(back))
    elif _feeds_products(n):
        n.writer.shuffle(n.y, n.writer.reshaped(tensor, shape), n.x.type.dims, _columns(perm))
    else:
        n.writer.define(n.y, n.writer.reshaped(n.writer.tensor(n.x), shape))


def _keep_quantisation(n: NodeWriter) -> None:
    """Refuse a change of scale on the way; no scale fits every scale."""
    x, y = n.x.type.quant, n.y.type.quant
    if x is not None and y is not None and x.axis is None and x != y:
        n.refuse(f"from {n.x.type} to {n.y.type}", "requantise with an operator of its own")


def _moves(n: NodeWriter, perm: Perm) -> bool:
    """Whether the operand is held in another order of elements."""
    return moves(arranged(n.x.type.shape, perm), between(perm, identity(len(perm))))


def _columns(perm: Perm) -> Perm:
    """The order of weight columns, [N, *rest], for an operand held in the order `perm`."""
    return perm


def _feeds_products(n: NodeWriter) -> bool:
    """Whether only products with constant weights read a flattened value, which may be shuffled."""
    graph, y = n.node.graph, n.y
    if graph is None or not n.x.type.is_static or y.type.rank != MATRIX or graph.is_output(y):
        return False
    if n.held()[0] != 0 or y.type.shape[0] != n.x.type.shape[0]:
        return False
    users = graph.users(y)
    return bool(users) and all(
        u.op in PRODUCTS and u.input(1).is_constant and y not in u.inputs[1:] for u in users
    )


@rule("transpose")
def transpose(n: NodeWriter) -> None:
    """Nothing is written: the same tensor is the result in another order of axes."""
    perm = tuple(n.op.perm)
    held = n.held() if not n.x.is_constant else identity(len(perm))
    # y = x.transpose(perm), so that axis `held[i]` of x is axis `perm.index(held[i])` of y.
    order = tuple(perm.index(axis) for axis in held)
    _keep_quantisation(n)
    n.writer.define(n.y, n.writer.tensor(n.x, held), order)


@rule("expand")
def expand(n: NodeWriter) -> None:
    """Expand."""
    shape: tuple[Size, ...] = tuple(n.y.type.shape)
    perm = n.held() if n.x.type.rank == len(shape) else identity(n.x.type.rank)
    result = n.emit("Expand", [n.real(n.x, perm), n.writer.shape(_along(shape, perm))])
    n.finish(result, perm if len(perm) == len(shape) else None)


def _along(shape: tuple[Size, ...], perm: Perm) -> tuple[Size, ...]:
    return arranged(shape, perm) if len(perm) == len(shape) else shape


@rule("tile")
def tile(n: NodeWriter) -> None:
    """Tile."""
    perm = n.held()
    repeats = n.writer.shape(arranged(n.op.repeats, perm))
    n.finish(n.emit("Tile", [n.real(n.x, perm), repeats]), perm)


@rule("shape")
def shape(n: NodeWriter) -> None:
    """Shape of whatever tensor there is, its entries put in order."""
    perm = n.held() if not n.x.is_constant else identity(n.x.type.rank)
    found = n.emit("Shape", [n.writer.tensor(n.x, perm)])
    if not is_identity(perm):
        found = n.emit("Gather", [found, n.integers(inverse(perm))], axis=0)
    n.writer.define(n.y, found)


@rule("cast")
def cast(n: NodeWriter) -> None:
    """Cast, of quantised tensors as the integers that they are."""
    perm, to = n.held(), DType(n.op.to)
    n.writer.define(n.y, n.emit("Cast", [n.writer.tensor(n.x, perm)], to=ELEMENT_TYPES[to]), perm)
