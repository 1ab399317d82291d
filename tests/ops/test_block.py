"""Blocks answer bit for bit as their members do one by one, whatever the strips and the chunks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.ops.harness import check_module
from tests.ops.test_parallel import check_bits, opened

from edgewright import ops, targets
from edgewright.graph import DType, Graph, Module, Node, Quant, TensorType, Value
from edgewright.ops.block import BlockNode, scratch_bytes, stages, warm_up
from edgewright.plan import plan as planner
from edgewright.verify.layers import StepModel, check_layers

HOST = targets.get("host")
M4 = targets.get("cortex-m4")
#: of a member: operator, height and width of the window, stride, padding above and below, channels
Member = tuple[str, int, int, int, tuple[int, int], int]
EXPAND: Member = ("conv", 1, 1, 1, (0, 0), 40)
PROJECT: Member = ("conv", 1, 1, 1, (0, 0), 20)


class Net:
    """Chains of convolutions, each from an input of its own."""

    def __init__(self, seed: int, dtype: DType, mode: str = "float") -> None:
        self.rng, self.dtype = np.random.default_rng(seed), dtype
        self.graph = Graph("main")
        self.module = Module({"main": self.graph}, {}, mode)
        self.chains: list[tuple[list[Node], int]] = []

    def type(self, shape: Sequence[int]) -> TensorType:
        zero = {DType.INT8: -7, DType.UINT8: 99}.get(self.dtype)
        quant = None if zero is None else Quant.per_tensor(0.07, zero)
        return TensorType(self.dtype, tuple(shape), quant)

    def constant(self, shape: Sequence[int], axis: int) -> Value:
        if self.dtype is DType.FLOAT32:
            return self.graph.constant("w", self.rng.normal(size=shape).astype(np.float32))
        scale = tuple(float(np.float32(s)) for s in self.rng.uniform(0.004, 0.01, shape[axis]))
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        quant = Quant(scale, (0,) * shape[axis], axis)
        return self.graph.constant("w", data, TensorType(DType.INT8, tuple(shape), quant))

    def member(self, x: Value, member: Member, skip: Value | None = None) -> Node:
        op, height, width, stride, pad, channels = member
        if op == "conv":
            w = self.constant((channels, height, width, x.type.dims[3]), 0)
        else:
            w = self.constant((height, width, x.type.dims[3]), 2)
        sides = (width // 2, width // 2)
        attrs = {"stride": (stride, stride), "pad": (pad, sides)}
        if self.dtype is DType.FLOAT32:
            attrs["clamp"] = (0.0, 6.0) if skip is None else (-9.0, 9.0)
        inputs: list[Value | None] = [x, w] if skip is None else [x, w, None, skip]
        if skip is not None and self.dtype is not DType.FLOAT32:
            attrs["inner"] = (0.05, 4)
        node = Node(op, inputs, [], attrs)
        (type,) = ops.infer(node)
        node.outputs = [self.graph.value("v", self.type(type.dims))]
        return self.graph.insert(node)

    def chain(
        self, shape: tuple[int, int, int], members: Sequence[Member], rows: int, skip: bool = False
    ) -> None:
        """A chain from [1, *shape]; `skip`: its input is added to its result."""
        x = value = self.graph.add_input("x", self.type((1, *shape)))
        nodes: list[Node] = []
        for member in members:
            last = skip and len(nodes) == len(members) - 1
            nodes.append(self.member(value, member, x if last else None))
            value = nodes[-1].output
        self.graph.outputs.append(value)
        self.chains.append((nodes, rows))

    def sample(self) -> dict[str, Any]:
        made = {}
        for value in self.graph.inputs:
            if self.dtype is DType.FLOAT32:
                made[value.name] = self.rng.normal(size=value.type.dims).astype(np.float32)
            else:
                info = np.iinfo(self.dtype.numpy)
                array = self.rng.integers(info.min, info.max, value.type.dims, endpoint=True)
                made[value.name] = array.astype(self.dtype.numpy)
        return made


def depthwise(size: int, stride: int = 1, pad: tuple[int, int] | None = None) -> Member:
    return ("depthwise_conv", size, size, stride, pad or (size // 2, size // 2), 0)


def mixed(seed: int, dtype: DType, mode: str = "float") -> Net:
    """Windows that overlap, padding on one side, residuals, strips that are cut short."""
    net = Net(seed, dtype, mode)
    net.chain((13, 9, 20), [EXPAND, depthwise(3), PROJECT], 1, skip=True)
    net.chain((13, 9, 20), [EXPAND, depthwise(3), PROJECT], 4, skip=True)
    net.chain((14, 8, 16), [EXPAND, depthwise(3, 2, (0, 1)), PROJECT], 2)
    net.chain((11, 6, 24), [depthwise(5, 2, (2, 2)), PROJECT], 3)
    net.chain((12, 7, 24), [depthwise(3), PROJECT, depthwise(3, 2), EXPAND, depthwise(5)], 2)
    stem: Member = ("conv", 3, 3, 2, (0, 1), 12)
    net.chain((17, 10, 3), [stem, depthwise(3), PROJECT, depthwise(3, 2, (1, 0)), PROJECT], 1)
    net.chain((9, 7, 20), [PROJECT, ("conv", 3, 3, 1, (0, 0), 8), depthwise(3, 1, (2, 2))], 3)
    return net


def with_blocks(net: Net, monkeypatch: pytest.MonkeyPatch, on: bool = True) -> None:
    """Plans have the chains of a net as blocks, or none."""
    made = [BlockNode(chain, rows) for chain, rows in net.chains] if on else []
    monkeypatch.setattr(planner, "find_blocks", lambda *_: made)


@pytest.mark.parametrize("dtype", [DType.FLOAT32, DType.INT8])
def test_bit_equal_to_the_members(
    dtype: DType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every level, whole and in chunks, in both orders."""
    net = mixed(3, dtype)
    with_blocks(net, monkeypatch, on=False)
    _, plain = opened(net.module, 1, tmp_path / "plain")
    with_blocks(net, monkeypatch)
    monkeypatch.setattr("edgewright.ops.block.LEAST_MACS", 16_000)
    code, cut = opened(net.module, 3, tmp_path / "cut")
    assert code.model_c.count("const void *residual") == len(net.chains)
    shared = code.model_c.count("ew_parallel(env, block_")
    assert 0 < shared < len(net.chains)
    check_bits(plain, cut, net.sample())


def test_equal_to_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a microcontroller, with its own kernels."""
    net = mixed(4, DType.UINT8, "fixed")
    with_blocks(net, monkeypatch)
    check_module(net.module, [net.sample()], target="cortex-m4")


def test_a_residual_lies_in_its_operand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows were read before they are overwritten; not so where threads share them."""
    net = Net(5, DType.INT8, "fixed")
    net.chain((13, 9, 20), [PROJECT, EXPAND, depthwise(3), PROJECT], 2)
    chain, _ = net.chains[0]
    start, *members = chain
    last = members[-1]
    net.graph.set_inputs(last, [*last.inputs, None, start.output])
    last.attrs["inner"] = (0.05, 4)
    tail = net.member(last.output, EXPAND)  # what is an output does not lie in the arena
    net.graph.outputs = [tail.output]
    net.chains = [(members, 2)]
    with_blocks(net, monkeypatch)
    plan = planner.make_plan(net.graph, M4)
    assert plan.places[start.output] == plan.places[last.output]
    monkeypatch.setattr("edgewright.ops.block.LEAST_MACS", 0)
    (two,) = targets.with_threads([HOST], 2)
    plan = planner.make_plan(net.graph, two)
    assert plan.places[start.output] != plan.places[last.output]
    check_module(net.module, [net.sample()], target="cortex-m4")


def test_strips_make_every_row_that_is_read() -> None:
    """By the numbers of `Stage` alone: every row, once, and before a window sees it."""
    for chain, rows in mixed(1, DType.FLOAT32).chains:
        made = stages(chain, rows)
        height = chain[-1].output.type.dims[1]
        for first in (0, height // 2):
            done: list[set[int]] = [set() for _ in made]
            for strip in range(-warm_up(made) if first else 0, height + made[-1].delay):
                for index, stage in enumerate(made):
                    at = stage.scale * first + stage.rows * strip - stage.delay
                    low = max(at, 0, stage.scale * first - stage.before)
                    high = min(at + stage.rows, stage.height, stage.scale * height + stage.after)
                    for row in range(low, high):
                        assert row not in done[index]
                        done[index].add(row)
                        if index:
                            top = row * stage.stride - stage.pad
                            end = min(top + stage.kernel, made[index - 1].height)
                            seen = set(range(max(top, 0), end))
                            assert seen <= done[index - 1]
                            held = at * stage.stride - stage.pad
                            assert seen <= set(range(held, held + stage.held))
            assert done[-1] == set(range(first, height))


def test_scratch_holds_rows_and_not_images() -> None:
    """A block of a mobile net needs a few rows of what is between."""
    net = Net(2, DType.INT8)
    net.chain((56, 56, 24), [("conv", 1, 1, 1, (0, 0), 144), depthwise(3), PROJECT], 4)
    chain, rows = net.chains[0]
    image = 56 * 56 * 144
    assert scratch_bytes(chain, rows, M4) < image // 2
    assert scratch_bytes(chain, 1, M4) < scratch_bytes(chain, 2, M4)


def test_verified_as_one_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """`verify --layers` compares a block's result with what its members make one by one."""
    net = Net(6, DType.INT8)
    net.chain((13, 9, 20), [PROJECT, EXPAND, depthwise(3), PROJECT, EXPAND], 2)
    chain, _ = net.chains[0]
    net.chains = [(chain[1:4], 2)]
    with_blocks(net, monkeypatch)
    sample = net.sample()
    results = check_layers(net.module, HOST, sample)
    assert [result.node.op for result in results] == ["conv", "block", "conv"]
    assert all(result.good for result in results)
    chain[2].attrs["pad"] = ((0, 2), (1, 1))  # after the code was made, the reference differs
    monkeypatch.setattr(StepModel, "__init__", _of_another(StepModel.__init__, chain[2]))
    assert [result.good for result in check_layers(net.module, HOST, sample)] == [True, False, True]


def _of_another(make: Any, node: Node) -> Any:
    """A library whose code pads a member otherwise than the graph says now."""

    def init(self: StepModel, *args: Any) -> None:
        held, node.attrs["pad"] = node.attrs["pad"], ((1, 1), (1, 1))
        make(self, *args)
        node.attrs["pad"] = held

    return init
