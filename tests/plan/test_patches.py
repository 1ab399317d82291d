"""Patches: the same bits from less RAM, and what is declined."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from edgewright import ops, targets
from edgewright.errors import InternalError, InvalidOption
from edgewright.graph import DType, Graph, Module, Node, Quant, TensorType, Value, verify_module
from edgewright.ops.interpreter import Interpreter
from edgewright.plan import make_plan
from edgewright.plan.check import check_plan
from edgewright.plan.patches import fit, split

M4 = targets.get("cortex-m4")
HOST = targets.get("host")


class Net:
    """A small int8 network, layer by layer."""

    def __init__(self, seed: int, rows: int, channels: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.graph = Graph("main")
        shape = (1, rows, 6, channels)
        self.value = self.graph.add_input("x", self.type(shape))

    def type(self, shape: tuple[int, ...]) -> TensorType:
        return TensorType(DType.INT8, shape, Quant.per_tensor(0.1, 3))

    def node(self, op: str, inputs: list[Value | None], **attrs: Any) -> Value:
        made = Node(op, inputs, [], attrs)
        (type,) = ops.infer(made)
        made.outputs = [self.graph.value("v", self.type(type.dims))]
        self.graph.insert(made)
        return made.output

    def window(self, op: str, kernel: int, stride: int, pad: tuple[int, int]) -> None:
        channels = self.value.type.dims[3]
        shape = (channels, kernel, 2, channels) if op == "conv" else (kernel, 2, channels)
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        w = self.graph.constant("w", data, TensorType(DType.INT8, shape, Quant.per_tensor(0.05)))
        window = {"stride": (stride, 1), "pad": (pad, (1, 0))}
        if op == "avg_pool":
            self.value = self.node(op, [self.value], kernel=(kernel, 2), **window)
        else:
            self.value = self.node(op, [self.value, w], **window)

    def residual(self) -> None:
        """A branch of two layers, added to what it started from."""
        start = self.value
        self.window("depthwise_conv", 3, 1, (1, 1))
        self.window("conv", 3, 1, (1, 1))
        self.value = self.node("add", [self.value, start])

    def module(self) -> Module:
        self.graph.outputs = [self.value]
        module = Module({"main": self.graph}, {}, "fixed")
        verify_module(module, ops.infer)
        return module

    def sample(self) -> dict[str, Any]:
        shape = self.graph.inputs[0].type.dims
        return {"x": self.rng.integers(-128, 128, shape).astype(np.int8)}


@st.composite
def nets(draw: st.DrawFn) -> Net:
    net = Net(draw(st.integers(0, 99)), draw(st.integers(7, 14)), draw(st.sampled_from([1, 4, 5])))
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.booleans()) and net.value.type.dims[1] > 2:
            net.residual()
            continue
        op = draw(st.sampled_from(["conv", "depthwise_conv", "avg_pool"]))
        kernel = draw(st.integers(1, 4))
        pad = draw(st.tuples(st.integers(0, kernel - 1), st.integers(0, kernel - 1)))
        assume(net.value.type.dims[1] + sum(pad) > kernel)
        net.window(op, kernel, draw(st.integers(1, 3)), pad)
    return net


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(nets(), st.integers(2, 5))
def test_patches_keep_every_bit(net: Net, patches: int) -> None:
    module, sample = net.module(), net.sample()
    rows = net.value.type.dims[1]
    assume(rows >= patches)
    expected = Interpreter(module).run(sample)
    graph = split(module.main, 0, len(module.main.nodes) - 1, patches)
    parts = Module({"main": graph}, {}, "fixed")
    verify_module(parts, ops.infer)
    actual = Interpreter(parts).run(sample)
    assert all(np.array_equal(actual[name], array) for name, array in expected.items())
    for target in (M4, HOST, replace(M4, lean_step=16)):
        check_plan(make_plan(graph, target))


def deep() -> Module:
    """Large at first, small at last: what patches are for."""
    net = Net(0, 24, 8)
    for _ in range(3):
        net.residual()
    net.window("conv", 3, 3, (1, 1))
    net.window("conv", 2, 2, (0, 0))
    net.value = net.node("reshape", [net.value], shape=(1, net.value.type.count))
    return net.module()


def test_it_takes_the_cheapest_split_that_fits() -> None:
    module = deep()
    before = make_plan(module.main, M4).arena_bytes
    some = fit(module, [M4], before * 9 // 10)
    less_module = deep()
    less = fit(less_module, [M4], before * 6 // 10)
    assert some is not None
    assert less is not None
    assert some.ram_after <= before * 9 // 10 < some.ram_before == before
    assert less.ram_after <= before * 6 // 10
    assert 0 < some.more_macs < less.more_macs
    assert less.ram_after == make_plan(less_module.main, M4).arena_bytes
    assert str(less).startswith(
        f"RAM {before:,} → {less.ram_after:,} bytes ({less.patches} patches"
    )


def test_what_fits_is_left_alone() -> None:
    module = deep()
    graph = module.main
    assert fit(module, [M4], make_plan(graph, M4).arena_bytes) is None
    assert module.main is graph


def test_it_says_by_how_much_it_cannot() -> None:
    module = deep()
    with pytest.raises(
        InvalidOption, match=r"needs ([\d,]+) bytes.*: ([\d,]+) more than"
    ) as caught:
        fit(module, [M4], 700)
    numbers = [
        int(text.replace(",", "")) for text in caught.value.what.split() if text[0].isdigit()
    ]
    assert numbers[0] - numbers[1] == 700


def test_a_value_that_is_used_later_ends_the_patches() -> None:
    net = Net(0, 24, 8)
    net.residual()
    early = net.value
    net.window("conv", 3, 3, (1, 1))
    module, sample = net.module(), net.sample()
    net.graph.outputs = [early, net.value]
    expected = Interpreter(module).run(sample)
    fitted = fit(module, [M4], make_plan(net.graph, M4).arena_bytes - 1)
    assert fitted is not None
    assert fitted.layers <= 3  # those of the branch, not the convolution after it
    actual = Interpreter(module).run(sample)
    assert all(np.array_equal(actual[name], array) for name, array in expected.items())


def test_parts_must_lie_where_the_result_has_them() -> None:
    graph = split(deep().main, 0, 9, 3)
    plan = make_plan(graph, M4)
    check_plan(plan)
    join = next(n for n in graph.nodes if n.op == "concat")
    middle = join.input(1)
    assert plan.places[middle] == plan.places[join.output].at(join.input(0).type.max_bytes)
    plan.places[middle] = plan.places[join.output].at(1)
    with pytest.raises(InternalError):
        check_plan(plan)


def test_rows_are_parts_of_what_they_are_cut_from() -> None:
    graph = split(deep().main, 0, 9, 3)
    plan = make_plan(graph, M4)
    cuts = [n for n in graph.nodes if n.op == "slice"]
    assert cuts
    for node in cuts:
        start = node.attrs["begin"][1] * node.input(0).type.dims[2] * node.input(0).type.dims[3]
        assert plan.places[node.output] == plan.places[node.input(0)].at(start)
