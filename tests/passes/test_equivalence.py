"""Passes keep the meaning: random graphs answer the same before and after each of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgewright import ops
from edgewright.graph import (
    Array,
    DType,
    Graph,
    Module,
    Node,
    Quant,
    TensorType,
    Value,
    parse_graph,
)
from edgewright.graph.text import graph_lines
from edgewright.ops.interpreter import Interpreter
from edgewright.passes import Pass, optimize, run_pass
from edgewright.passes.fuse_qdq import WEIGHTED
from edgewright.passes.order import ORDER

FIRST, LAST = (0, 3, 1, 2), (0, 2, 3, 1)  # to channels first, to channels last

Step = Callable[["RandomNet"], Value]


class RandomNet:
    """A small channels-first network, as the ONNX importer would write it."""

    steps: tuple[Step, ...] = ()

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.graph = parse_graph("graph main(%x: float32[1,4,6,5]) -> () {}", ops.infer)
        self.y = self.start(self.graph.inputs[0])
        self.held = [self.y]
        for _ in range(self.rng.integers(3, 9)):
            steps = self.steps or STEPS
            self.y = steps[self.rng.integers(len(steps))](self)
            self.held.append(self.y)
        if self.rng.random() < 0.5:
            self.y = classify(self)
        self.graph.outputs = [self.y]

    def start(self, x: Value) -> Value:
        return x

    def add(self, op: str, *inputs: Value | None, **attrs: object) -> Value:
        node = Node(op, list(inputs), [], dict(attrs))
        (type,) = ops.infer(node)
        node.outputs = [self.graph.value("v", type)]
        return self.graph.insert(node).output

    def constant(self, *shape: int, low: float = -1.0, high: float = 1.0) -> Value:
        return self.graph.constant("c", np.asarray(self.rng.uniform(low, high, shape), np.float32))

    def last(self, op: str, *inputs: Value | None, **attrs: object) -> Value:
        """A channels-last operator between the transposes of a channels-first model."""
        first = self.add("transpose", inputs[0], perm=LAST)
        return self.add("transpose", self.add(op, first, *inputs[1:], **attrs), perm=FIRST)

    @property
    def channels(self) -> int:
        return self.y.type.dims[1]


def conv(net: RandomNet) -> Value:
    outputs = int(net.rng.choice([2, 4, net.channels]))
    groups = int(net.rng.choice([1, net.channels]))
    outputs = net.channels if groups > 1 else outputs
    weight = net.constant(outputs, 3, 3, net.channels // groups)
    bias = net.constant(outputs) if net.rng.random() < 0.5 else None
    pad = ((1, 1), (1, 1)) if net.rng.random() < 0.7 else ((2, 1), (2, 2))
    return net.last("conv", net.y, weight, bias, groups=groups, pad=pad)


def norm(net: RandomNet) -> Value:
    c = net.channels
    parameters = [net.constant(c), net.constant(c), net.constant(c), net.constant(c, low=0.5)]
    return net.last("batch_norm", net.y, *parameters, epsilon=1e-3)


def binary(net: RandomNet) -> Value:
    shapes = [(), (1,), (net.channels, 1, 1), (1, net.channels, 1, 1)]
    term = net.constant(*shapes[net.rng.integers(len(shapes))], low=0.5)
    pair = [net.y, term] if net.rng.random() < 0.7 else [term, net.y]
    return net.add(str(net.rng.choice(["add", "sub", "mul"])), *pair)


def residual(net: RandomNet) -> Value:
    fitting = [v for v in net.held if v.type == net.y.type]
    return net.add("add", net.y, fitting[net.rng.integers(len(fitting))])


def unary(net: RandomNet) -> Value:
    return net.add(str(net.rng.choice(["neg", "abs", "tanh"])), net.y)


def relu(net: RandomNet) -> Value:
    return net.add("clip", net.y, lo=0.0, hi=float(net.rng.choice([6.0, np.inf])))


def joined(net: RandomNet) -> Value:
    fitting = [v for v in net.held if v.type.shape[2:] == net.y.type.shape[2:]]
    return net.add("concat", net.y, fitting[net.rng.integers(len(fitting))], axis=1)


def padded(net: RandomNet) -> Value:
    value = float(net.rng.choice([0.0, 1.0]))
    return net.add("pad", net.y, pads=((0, 0), (0, 0), (1, 0), (2, 1)), value=value)


def pooled(net: RandomNet) -> Value:
    return net.last(
        str(net.rng.choice(["max_pool", "avg_pool"])), net.y, kernel=(2, 2), stride=(1, 1)
    )


def squeezed(net: RandomNet) -> Value:
    gate = net.add("reduce_mean", net.y, axes=(2, 3), keepdims=True)
    return net.add("mul", net.y, net.add("sigmoid", gate))


def swish(net: RandomNet) -> Value:
    return net.add("mul", net.add("sigmoid", net.y), net.y)


def shuffled(net: RandomNet) -> Value:
    n, c, h, w = net.y.type.dims
    split = net.add("reshape", net.y, shape=(n, 2, c // 2, h, w))
    moved = net.add("transpose", split, perm=(0, 2, 1, 3, 4))
    return net.add("reshape", moved, shape=(n, c, h, w))


STEPS: tuple[Step, ...] = (
    conv, conv, norm, binary, residual, unary, relu, joined, padded, pooled, squeezed, swish,
    shuffled,
)  # fmt: skip


def classify(net: RandomNet) -> Value:
    if net.rng.random() < 0.5:
        net.y = net.add("reduce_mean", net.y, axes=(2, 3), keepdims=True)
    count = int(np.prod(net.y.type.dims))
    flat = net.add("clip", net.add("reshape", net.y, shape=(1, count)), lo=-0.5)
    product = net.add("matmul", flat, net.constant(count, 3))
    return net.add("softmax", net.add("add", product, net.constant(3)))


def answer(module: Module, x: Array) -> Array:
    (y,) = Interpreter(module).run({"x": x}).values()
    return y


def same(a: Array, b: Array, tolerance: float = 2e-5) -> bool:
    return a.shape == b.shape and bool(np.abs(a - b).max() <= tolerance * max(1.0, np.abs(a).max()))


@pytest.mark.parametrize("seed", range(60))
def test_the_list_keeps_the_answer(seed: int) -> None:
    """Each pass of the list in turn, on what the passes before it left."""
    graph = RandomNet(seed).graph
    module, x = Module({"main": graph}), sample(seed, graph)
    expected, name = answer(module, x), graph.outputs[0].name
    for item in ORDER:
        run_pass(item, module)
        assert same(expected, answer(module, x)), f"{item.name} changed the answer"
        assert graph.outputs[0].name == name


@pytest.mark.parametrize("item", {i.name: i for i in ORDER}.values(), ids=lambda i: i.name)
def test_each_pass_keeps_the_answer(item: Pass) -> None:
    """Each pass by itself, on graphs that no other has touched."""
    for seed in range(100, 110):
        graph = RandomNet(seed).graph
        module, x = Module({"main": graph}), sample(seed, graph)
        expected = answer(module, x)
        run_pass(item, module)
        assert same(expected, answer(module, x)), f"seed {seed}"


def sample(seed: int, graph: Graph) -> Array:
    rng = np.random.default_rng([seed, 1])
    return rng.uniform(-1, 1, graph.inputs[0].type.dims).astype(np.float32)


class RandomQdq(RandomNet):
    """The same with every activation quantised and dequantised, and integer weights."""

    steps = (conv, conv, binary, residual, relu, joined, padded, pooled)

    def add(self, op: str, *inputs: Value | None, **attrs: object) -> Value:
        y = super().add(op, *inputs, **attrs)
        return y if y.producer is None or op in ("transpose", "reshape") else self.quantised(y)

    def start(self, x: Value) -> Value:
        return self.quantised(x)

    def quantised(self, y: Value) -> Value:
        scale = float(self.rng.uniform(0.02, 0.05))
        quant = Quant.per_tensor(scale, int(self.rng.integers(-20, 20)))
        node = Node("quantize", [y], [])
        node.outputs = [self.graph.value("q", TensorType(DType.INT8, y.type.shape, quant))]
        back = Node("dequantize", [self.graph.insert(node).output], [])
        back.outputs = [self.graph.value("d", y.type)]
        return self.graph.insert(back).output

    def constant(self, *shape: int, low: float = -1.0, high: float = 1.0) -> Value:
        data = np.asarray(np.rint(self.rng.uniform(low, high, shape) * 127), np.int8)
        quant = Quant.per_tensor(0.2 / 127)
        stored = self.graph.constant("w", data, TensorType(DType.INT8, shape, quant))
        node = Node("dequantize", [stored], [])
        node.outputs = [self.graph.value("f", ops.infer(node)[0])]
        return self.graph.insert(node).output


@pytest.mark.parametrize("seed", range(200, 230))
def test_integers_stay_near_the_float_meaning(seed: int) -> None:
    """A QDQ graph becomes integer operators that round in other places, by a few steps at most."""
    graph = RandomQdq(seed).graph
    module, x = Module({"main": graph}), sample(seed, graph)
    expected = answer(module, x)
    optimize(module)
    assert np.abs(expected - answer(module, x)).max() < 0.25
    left = [n.op for n in graph.nodes if n.op in WEIGHTED and n.output.type.quant is None]
    assert not left, "a convolution stayed in float"


def structure(graph: Graph) -> list[str]:
    """Everything but the constants."""
    return [line for line in graph_lines(graph) if not line.startswith("  const ")]


@pytest.mark.parametrize("seed", range(300, 330))
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_trained_numbers_do_not_shape_the_graph(seed: int, value: float) -> None:
    """Retraining must give the same code: weights of zeros and ones are the hardest."""
    plain, odd = RandomNet(seed).graph, RandomNet(seed).graph
    for constant in odd.constants():
        if constant.data is not None and constant.data.size > 1:
            constant.data = np.full_like(constant.data, value)
    optimize(Module({"main": plain}))
    optimize(Module({"main": odd}))
    assert structure(plain) == structure(odd)
