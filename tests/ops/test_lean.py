"""The 8-bit kernels of microcontrollers, on this machine for each kind of core, and on boards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.ops import harness
from tests.ops.harness import Operand, check_module, check_ops, const, one_node, quantised

from edgewright import targets
from edgewright.codegen import generate
from edgewright.graph import DType, Graph, Module, Node, Quant, TensorType, Value
from edgewright.ops import infer
from edgewright.plan import make_plan

Array = np.ndarray[Any, np.dtype[Any]]
Case = tuple[str, list[Any], dict[str, Any]]
HOST = targets.get("host")
STEPS = pytest.mark.parametrize("step", [1, 4, 16])
MODES = pytest.mark.parametrize("mode", ["float", "fixed"])
BOARDS = ("cortex-m0", "cortex-m4", "cortex-m55")


def core(step: int) -> targets.Target:
    """The host, computing as a microcontroller does."""
    return replace(HOST, levels=HOST.levels[:1], detect="fixed", dot="ss", lean_step=step)


@pytest.fixture
def lean(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "_target", lambda name: core(step))


class Layers:
    """Random layers of one element type."""

    def __init__(self, rng: np.random.Generator, dtype: type[np.integer[Any]] = np.int8) -> None:
        self.rng, self.dtype = rng, dtype
        self.zero = 3 if dtype is np.int8 else 131

    def bytes(self, *shape: int) -> Array:
        info = np.iinfo(self.dtype)
        return self.rng.integers(info.min, info.max, shape, endpoint=True).astype(self.dtype)

    def weight(self, *shape: int, axis: int | None) -> Operand:
        if self.dtype is np.uint8:  # older uint8 models: one scale, and a zero point
            return const(self.bytes(*shape), Quant.per_tensor(0.02, 120))
        scales = self.rng.uniform(0.001, 0.1, shape[axis or 0]).astype(np.float32)
        shifted = (3.0, 6.0, 20.0)  # to the right by one, not at all, to the left
        scales[: len(shifted)] = shifted[: len(scales)]
        quant = Quant(tuple(map(float, scales)), (0,) * len(scales), axis)
        data = np.maximum(self.bytes(*shape), -127)
        small = np.moveaxis(data, axis or 0, 0)[: len(shifted)]  # or their results would saturate
        small %= 2
        return const(data, quant)

    def bias(self, count: int) -> Operand:
        held = self.rng.integers(-5000, 5000, count).astype(np.int32)
        held[:3] //= 50
        held[3:4] = 2**31 - 1  # saturates
        return const(held)

    def type(self, *shape: int) -> TensorType:
        dtype = DType.of(np.dtype(self.dtype))
        return TensorType(dtype, shape, Quant.per_tensor(0.4, self.zero - 5))

    def conv(self, x: tuple[int, ...], out: int, k: tuple[int, int], **given: Any) -> Case:
        groups, skip = given.pop("groups", 1), given.pop("skip", False)
        w = self.weight(out, *k, x[3] // groups, axis=0)
        operands: list[Any] = [quantised(self.bytes(*x), 0.05, self.zero), w, self.bias(out)]
        attrs = {**given, "groups": groups}
        shape = _shape("conv", operands, attrs)
        if skip:
            operands.append(quantised(self.bytes(*shape), 0.3, self.zero + 2))
            attrs["inner"] = (0.2, self.zero - 1)
        return "conv", operands, {**attrs, "outputs": [self.type(*shape)]}

    def depthwise(self, x: tuple[int, ...], k: tuple[int, int], times: int, **attrs: Any) -> Case:
        w = self.weight(*k, x[3] * times, axis=2)
        operands = [quantised(self.bytes(*x), 0.05, self.zero), w, self.bias(x[3] * times)]
        shape = _shape("depthwise_conv", operands, attrs)
        return "depthwise_conv", operands, {**attrs, "outputs": [self.type(*shape)]}

    def product(self, rows: int, depth: int, columns: int) -> Case:
        w = self.weight(columns, depth, axis=0)
        operands = [quantised(self.bytes(rows, depth), 0.05, self.zero), w, self.bias(columns)]
        return "fully_connected", operands, {"outputs": [self.type(rows, columns)]}


def _shape(op: str, operands: list[Any], attrs: dict[str, Any]) -> tuple[int, ...]:
    values = [Value("v", TensorType(DType.of(o.array.dtype), o.array.shape)) for o in operands]
    (type,) = infer(Node(op, list(values), [], dict(attrs)))
    return type.dims


def convolutions(layers: Layers) -> list[Case]:
    """Every number of rows in the last tile, odd channels, windows over every border."""
    same: dict[str, Any] = {"pad": ((1, 1), (1, 1))}
    return [
        layers.conv((1, 1, 1, 5), 3, (1, 1)),
        layers.conv((1, 1, 2, 16), 17, (1, 1)),
        layers.conv((2, 3, 3, 33), 16, (1, 1), clamp=(-20.0, 30.0)),
        layers.conv((1, 2, 2, 3), 5, (3, 3), **same),
        layers.conv((1, 5, 4, 16), 4, (3, 2), stride=(2, 1), pad=((0, 1), (2, 0))),
        layers.conv((1, 6, 7, 4), 6, (3, 3), dilation=(2, 2), pad=((2, 1), (2, 2))),
        layers.conv((1, 4, 5, 12), 9, (2, 3), groups=3, pad=((1, 0), (1, 1))),
        layers.conv((1, 3, 3, 6), 7, (3, 3), skip=True, **same),
        layers.product(1, 37, 12),
        layers.product(5, 16, 3),
    ]


def depthwises(layers: Layers) -> list[Case]:
    return [
        layers.depthwise((1, 5, 4, 16), (3, 3), 1, pad=((1, 1), (1, 1))),
        layers.depthwise((2, 4, 5, 7), (3, 2), 1, pad=((1, 1), (0, 1)), clamp=(-9.0, 40.0)),
        layers.depthwise((1, 7, 9, 33), (3, 3), 1, stride=(2, 2), pad=((0, 1), (0, 1))),
        layers.depthwise((1, 9, 9, 3), (2, 4), 1, stride=(3, 1), pad=((0, 0), (1, 2))),
        layers.depthwise((1, 8, 9, 5), (3, 3), 1, dilation=(2, 3), pad=((2, 2), (3, 3))),
        layers.depthwise((1, 4, 4, 3), (3, 3), 3, pad=((1, 1), (1, 1))),
        layers.depthwise((1, 6, 5, 1), (4, 5), 8, stride=(2, 2), pad=((1, 2), (2, 2))),
    ]


@STEPS
@MODES
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_layers(
    lean: None, rng: np.random.Generator, mode: str, dtype: type[np.integer[Any]]
) -> None:
    layers = Layers(rng, dtype)
    check_ops([*convolutions(layers), *depthwises(layers)], requantization=mode)


@MODES
@pytest.mark.parametrize("board", BOARDS)
def test_layers_on_a_board(rng: np.random.Generator, mode: str, board: str) -> None:
    if not targets.available(targets.get(board)):
        pytest.skip("needs qemu-system-arm")
    cases = [*convolutions(Layers(rng)), *depthwises(Layers(rng))]
    if board != "cortex-m0":  # which has little memory
        cases += [*convolutions(Layers(rng, np.uint8)), *depthwises(Layers(rng, np.uint8))]
    check_ops(cases, requantization=mode, target=board)


def test_shapes_take_no_stack(rng: np.random.Generator) -> None:
    """Each literal took 80 bytes: fifty layers were more than a board's whole stack."""
    cases = [*convolutions(Layers(rng)), *depthwises(Layers(rng))]
    modules = [one_node(op, operands, **attrs)[0] for op, operands, attrs in cases]
    code = "".join(generate(m, targets.get("cortex-m4"), "test").model_c for m in modules)
    assert "&(ew_conv_shape)" not in code
    assert code.count("static const ew_conv_shape shape_") >= len(cases) / 2


def chain(rng: np.random.Generator, keep: bool = False) -> tuple[Module, dict[str, Array]]:
    """Depthwise and pointwise convolutions of one shape; with `keep`, each result is needed later.

    The window of the first reaches two lines up, the other's one line and two to the left.
    """
    layers, graph = Layers(rng), Graph("main")
    x = graph.add_input("x", TensorType(DType.INT8, (1, 6, 5, 20), Quant.per_tensor(0.05, 3)))
    value, sums = x, []
    cases = [
        layers.conv((1, 6, 5, 20), 20, (1, 1)),
        layers.depthwise((1, 6, 5, 20), (5, 3), 1, pad=((2, 2), (1, 1))),
        layers.conv((1, 6, 5, 20), 20, (1, 1)),
        layers.depthwise((1, 6, 5, 20), (2, 3), 1, pad=((1, 0), (2, 0))),
    ]
    for number, (op, (_, w, bias), given) in enumerate(cases):
        attrs = dict(given)
        (type,) = attrs.pop("outputs")
        held = []
        for name, o in (("w", w), ("b", bias)):
            held_type = TensorType(DType.of(o.array.dtype), o.array.shape, o.quant)
            held.append(graph.constant(f"{name}{number}", o.array, held_type))
        result = graph.value(f"v{number}", type)
        graph.insert(Node(op, [value, *held], [result], attrs))
        value = result
        sums.append(value)
    for number, other in enumerate(sums[:-1] if keep else []):
        result = graph.value(f"s{number}", value.type)
        graph.insert(Node("add", [value, other], [result]))
        value = result
    end = graph.value("end", value.type)
    graph.insert(Node("clip", [value], [end], {"lo": -30.0, "hi": 20.0}))
    graph.outputs = [end]
    return Module({"main": graph}, {}, "fixed"), {"x": layers.bytes(1, 6, 5, 20)}


@STEPS
@pytest.mark.parametrize("keep", [False, True])
def test_layers_that_overwrite_their_input(
    lean: None, rng: np.random.Generator, step: int, keep: bool
) -> None:
    module, inputs = chain(rng, keep)
    plan = make_plan(module.main, core(step))
    reused = [n for n in module.main.nodes if plan.places[n.input(0)] == plan.places[n.output]]
    in_place = [n.op for n in reused if n.op not in ("add", "clip")]
    assert in_place == ([] if keep else ["depthwise_conv", "conv", "depthwise_conv"])
    check_module(module, [inputs])
