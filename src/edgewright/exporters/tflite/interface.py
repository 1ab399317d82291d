"""Inputs and outputs of a graph: their layout, their names, and the signature that holds them."""

from __future__ import annotations

from edgewright.exporters.tflite.records import Operator, Signature, Tensor
from edgewright.exporters.tflite.scope import Scope
from edgewright.graph import Graph, Node, Value

Perm = tuple[int, ...]
#: from channels-first to channels-last images and volumes, and back
TO_LAST: tuple[Perm, ...] = ((0, 2, 3, 1), (0, 2, 3, 4, 1))
TO_FIRST: tuple[Perm, ...] = ((0, 3, 1, 2), (0, 4, 1, 2, 3))
PLACES: Perm = (0, 2, 1)
#: operators of .tflite files that move axes
_OWN = ("TRANSPOSE", "RESHAPE")
#: the name of the first signature, which runtimes take when none is asked for
DEFAULT_SIGNATURE = "serving_default"
INIT = "init"


def begin(scope: Scope, channels_first: bool) -> None:
    """Make the inputs; unless `channels_first`, images come and go channels-last."""
    for value in scope.graph.inputs:
        perm = None if channels_first else _input_perm(scope.graph, value)
        scope.subgraph.inputs.append(_turned_input(scope, value, perm))
    if not channels_first:
        # What comes out of an image is an image, or a list of places with channels of their own.
        perms = (*TO_FIRST, PLACES) if scope.layouts else TO_FIRST
        for value in scope.graph.outputs:
            _drop_output(scope, value, perms)
    if scope.layouts:
        names = ", ".join(tensor.name for tensor in scope.layouts)
        scope.note(f"channels come last, unlike in the source, in {names}")


def _input_perm(graph: Graph, value: Value) -> Perm | None:
    """The permutation to channels-last that every reader of an input begins with."""
    perms = {turned(node, TO_LAST) for node in graph.users(value)}
    (perm,) = perms if len(perms) == 1 else [None]
    return None if value in graph.outputs else perm


def turned(node: Node, perms: tuple[Perm, ...]) -> Perm | None:
    """Which of some permutations a node is: a transpose, or a reshape with a single channel.

    One that a .tflite source has itself is its author's, and stays.
    """
    if node.origin is not None and node.origin.op_type in _OWN:
        return None
    if node.op == "transpose":
        perm = tuple(node.attrs["perm"])
        return perm if perm in perms else None
    if node.op != "reshape":
        return None
    before, after = node.input(0).type.shape, node.output.type.shape
    for perm in perms:
        channel = perm[-1] if perm in TO_LAST else len(perm) - 1
        fits = len(before) == len(after) == len(perm) and before[channel] == 1
        if fits and tuple(before[p] for p in perm) == after:
            return perm
    return None


def _turned_input(scope: Scope, value: Value, perm: Perm | None) -> Tensor:
    if perm is None:
        return scope.tensor(value)
    tensor = scope.add(value.name, value.type.with_shape(*(value.type.shape[p] for p in perm)))
    for node in scope.graph.users(value):
        scope.values[node.output] = tensor
        scope.dropped.add(node)
    scope.layouts[tensor] = (value, perm)
    return tensor


def _drop_output(scope: Scope, value: Value, perms: tuple[Perm, ...]) -> None:
    """Leave out a transpose to channels-first at the very end."""
    node = value.producer
    perm = turned(node, perms) if node is not None else None
    if node is None or perm is None or not _ends_with(scope, node, value):
        return
    inner = node.input(0)
    scope.dropped.add(node)
    tensor = scope.add(value.name, inner.type)
    scope.values[inner] = scope.values[value] = tensor
    back = tuple(perm.index(axis) for axis in range(len(perm)))
    scope.layouts[tensor] = (value, back)


def _ends_with(scope: Scope, node: Node, value: Value) -> bool:
    """Whether a node is such a transpose, which nothing inside reads."""
    if node in scope.dropped:
        return False
    inner, outputs = node.input(0), scope.graph.outputs
    computed = inner.producer is not None and inner not in scope.values
    return computed and not value.users and outputs.count(value) == 1 and inner not in outputs


def end(scope: Scope) -> None:
    """Make the outputs; each is a tensor of its own that an operator computes."""
    for value in scope.graph.outputs:
        tensor = scope.tensor(value)
        if tensor in (*scope.subgraph.inputs, *scope.subgraph.outputs) or tensor.data is not None:
            tensor = _copied(scope, tensor)
        scope.subgraph.outputs.append(tensor)


def _copied(scope: Scope, tensor: Tensor) -> Tensor:
    import numpy as np

    made = scope.add(tensor.name, tensor.type)
    sizes = [d if isinstance(d, int) else -1 for d in tensor.type.shape]
    shape = scope.shared("shape", np.array(sizes, np.int32))
    scope.subgraph.operators.append(Operator("RESHAPE", [tensor, shape], [made], {}))
    return made


def sign(scope: Scope, place: int) -> None:
    """Give an entry point its signature, with the user's names."""
    if scope.graph.name == INIT and place:
        return
    graph, made = scope.graph, scope.subgraph
    inputs = tuple(zip(_names(graph.inputs), made.inputs, strict=True))
    outputs = tuple(zip(_names(graph.outputs), made.outputs, strict=True))
    key = scope.graph.name if place else DEFAULT_SIGNATURE
    scope.file.signatures.append(Signature(key, place, inputs, outputs))


def _names(values: list[Value]) -> list[str]:
    """The values' names; one that comes twice gets a number."""
    found: list[str] = []
    for value in values:
        name, count = value.name, 0
        while name in found:
            count += 1
            name = f"{value.name}.{count}"
        found.append(name)
    return found


def names_of(scope: Scope) -> tuple[dict[str, str], dict[str, Perm]]:
    """Tensor of the file -> tensor of the source, and the permutations between them."""
    names: dict[str, str] = {}
    layouts: dict[str, Perm] = {}
    for value, tensor in scope.values.items():
        if value.source is not None:
            names.setdefault(tensor.name, value.source.tensor)
            if value.source.perm:
                layouts.setdefault(tensor.name, value.source.perm)
    ends = zip(scope.graph.inputs + scope.graph.outputs,
               scope.subgraph.inputs + scope.subgraph.outputs, strict=True)  # fmt: skip
    for value, tensor in ends:
        names[tensor.name] = value.source.tensor if value.source else value.name
        plain = tuple(range(value.type.rank))
        before = (value.source.perm if value.source else ()) or plain
        turned = scope.layouts[tensor][1] if tensor in scope.layouts else plain
        perm = tuple(before[axis] for axis in turned)
        layouts.pop(tensor.name, None)
        if perm != plain:
            layouts[tensor.name] = perm
    return names, layouts
