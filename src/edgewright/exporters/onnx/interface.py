"""Inputs, outputs and states of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import onnx
from onnx import helper

from edgewright.exporters.onnx.control import value_info
from edgewright.exporters.onnx.file import ELEMENT_TYPES
from edgewright.exporters.onnx.layout import (
    CHANNELS_FIRST,
    CHANNELS_LAST,
    Perm,
    arranged,
    identity,
)
from edgewright.exporters.onnx.writer import Writer
from edgewright.graph import Graph, Module, Node, Symbol, Value
from edgewright.passes.transposition import elementwise_names

IMAGE_AXES = 4
#: operators that want images channels first
SPATIAL = frozenset(
    {"conv", "depthwise_conv", "conv_transpose", "max_pool", "avg_pool", "resize_bilinear",
     "resize_nearest", "depth_to_space", "space_to_depth"}
)  # fmt: skip


class Interface:
    """The file's inputs and outputs while it is written."""

    def __init__(self, module: Module, writer: Writer, channels_first: bool | None) -> None:
        self.module, self.writer, self.channels_first = module, writer, channels_first
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        #: state -> its input and its output
        self.states: dict[str, tuple[str, str]] = {}
        self.input_infos: list[onnx.ValueInfoProto] = []
        self.output_infos: list[onnx.ValueInfoProto] = []
        self._state_infos: dict[str, onnx.ValueInfoProto] = {}

    @property
    def graph(self) -> Graph:
        """The entry point that is written."""
        return self.module.main

    # -- before the nodes -------------------------------------------------------------------

    def begin(self) -> None:
        """Declare inputs and states, and reserve the names of outputs."""
        file = self.writer.file
        for name in dict.fromkeys(v.name for v in (*self.graph.inputs, *self.graph.outputs)):
            file.reserve(name)
        for value in self.graph.outputs:
            if value not in self.graph.inputs:
                perm = self._output_order(value) or identity(value.type.rank)
                self.writer.results.setdefault(value, (value.name, perm))
        for value in self.graph.inputs:
            self._add_input(value)
        for name in self._written_states():
            self._add_state(name)

    def _add_input(self, value: Value) -> None:
        perm = self._input_order(value)
        name = value.name or self.writer.file.unique("input")  # no name is no tensor in ONNX
        self.inputs.append(name)
        held = value if perm is None else _view(value, perm)
        self.input_infos.append(value_info(name, held))
        self.writer.define(value, name, perm)
        for axis, size in enumerate(value.type.shape):
            if isinstance(size, Symbol):
                self.writer.sizes.setdefault(size, (value, axis))
        if perm is None and _is_image(value) and self._is_read_channels_first(value):
            self.writer.stem = value.name
            turned = self.writer.tensor(value, CHANNELS_FIRST)
            plain = self.writer.forms[value]  # what comes first is what rules ask for
            self.writer.forms[value] = {CHANNELS_FIRST: turned, **plain}

    def _is_read_channels_first(self, value: Value) -> bool:
        """Whether elementwise operators lead from a value to one that wants channels first."""
        names = elementwise_names()
        waiting, seen = [value], {value}
        while waiting:
            for user in _readers(self.graph, waiting.pop()):
                if user.op in SPATIAL and user.inputs[0] in seen:
                    return True
                if user.op in names and user.output not in seen:
                    seen.add(user.output)
                    waiting.append(user.output)
        return False

    def _written_states(self) -> Iterator[str]:
        written = {n.attrs["state"] for n in self.graph.walk() if n.op == "write_state"}
        for name, state in self.module.states.items():
            if name in written:
                yield name
            else:
                self.writer.states[name] = self.writer.file.constant(name, state.init)

    def _add_state(self, name: str) -> None:
        """An input and an output that the caller ties."""
        state, file = self.module.states[name], self.writer.file
        given = file.unique(name)
        shape = [int(str(s)) for s in state.type.shape]
        kind = ELEMENT_TYPES[state.type.dtype]
        self.input_infos.append(helper.make_tensor_value_info(given, kind, shape))
        after = file.unique(f"{given}_next")
        self.states[name] = given, after
        self.writer.states[name] = given
        start = "zeros" if not state.init.any() else "values that are not zero"
        if state.type.quant is not None and (state.init == state.type.quant.zero[0]).all():
            start = f"its zero point, {state.type.quant.zero[0]}"
        file.note(
            f"state {name!r}: feed input {given!r} with output {after!r} of the call "
            f"before, {start} at first"
        )
        self._state_infos[name] = helper.make_tensor_value_info(after, kind, shape)

    # -- after the nodes --------------------------------------------------------------------

    def end(self) -> None:
        """Declare outputs, each under its own name."""
        for value in self.graph.outputs:
            perm = self._output_order(value)
            self.writer.stem = value.name
            made = self.writer.tensor(value, perm)
            name = value.name or self.writer.file.unique("output")
            if name in self.outputs or name in self.inputs:
                name = self.writer.file.unique(f"{name}/output")
            if made != name and not self._renamed(made, name):
                self.writer.emit_named("Identity", [made], [name])
                self.writer.file.record(name, value, perm or identity(value.type.rank))
            self.outputs.append(name)
            held = value if perm is None else _view(value, perm)
            self.output_infos.append(value_info(name, held))
        for state, info in self._state_infos.items():
            self.writer.emit_named("Identity", [self.writer.states[state]], [info.name])
            self.output_infos.append(info)

    def _renamed(self, made: str, name: str) -> bool:
        """Give the tensor of an output the output's name, unless it has another role."""
        own = any(made in node.output for node in self.writer.nodes)
        if not own or made in self.outputs or made in self.writer.states.values():
            return False
        _rename(self.writer.nodes, made, name)
        file = self.writer.file
        for table in (file.names, file.layouts):
            if made in table:
                table[name] = table.pop(made)  # type: ignore[assignment]
        for forms in self.writer.forms.values():
            forms.update({perm: name for perm, tensor in forms.items() if tensor == made})
        return True

    # -- the order of axes that the user wants ----------------------------------------------

    def _input_order(self, value: Value) -> Perm | None:
        """The order of an image's axes where it is to differ from the module's."""
        if self.channels_first is None or not _is_image(value):
            return None
        users = _readers(self.graph, value)
        if self.channels_first:
            return CHANNELS_FIRST if self._is_read_channels_first(value) else None
        turned = [u for u in users if u.op == "transpose" and u.attrs["perm"] == CHANNELS_LAST]
        return CHANNELS_LAST if users and turned == users else None

    def _output_order(self, value: Value) -> Perm | None:
        if self.channels_first is None or not _is_image(value):
            return None
        made = value.producer
        turned = made is not None and made.op == "transpose"
        if made is None:
            return None
        if not self.channels_first:
            turned = turned and tuple(made.attrs["perm"]) == CHANNELS_FIRST
            return CHANNELS_LAST if turned else None
        return CHANNELS_FIRST if _is_made_channels_first(made) else None


def _is_made_channels_first(node: Node | None) -> bool:
    """Whether elementwise operators lead from one that wants channels first to this one."""
    names = elementwise_names()
    while node is not None and node.op not in SPATIAL:
        if node.op not in names:
            return False
        node = node.input(0).producer
    return node is not None


def _is_image(value: Value) -> bool:
    return value.type.rank == IMAGE_AXES


def _readers(graph: Graph, value: Value) -> list[Node]:
    return graph.users(value)


def _view(value: Value, perm: Perm) -> Value:
    """A stand-in for a value whose axes are reordered."""
    return Value(value.name, value.type.with_shape(*arranged(value.type.shape, perm)))


def _rename(nodes: Iterable[onnx.NodeProto], old: str, new: str) -> None:
    """Replace the name of a tensor everywhere, in subgraphs too."""
    for node in nodes:
        for names in (node.input, node.output):
            if old in names:
                names[:] = [new if n == old else n for n in names]
        if node.name == old:
            node.name = new
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename(attribute.g.node, old, new)
