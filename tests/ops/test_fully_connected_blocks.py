"""Products with weights of 8 and 4 bits: every tile, block, zero point and remainder."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.ops.harness import Array, check_module, load

from edgewright import ops, targets
from edgewright.codegen import generate
from edgewright.graph import DType, Graph, Module, Node, TensorType, Value, verify_module
from edgewright.ops import block_scales

RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int4": (-8, 7), "uint4": (0, 15)}


def add(graph: Graph, rng: np.random.Generator, dtype: str, shape: tuple[int, int, int], block: int,
        zeros: bool, bias: bool, **attrs: object) -> tuple[str, Array]:  # fmt: skip
    """One node with random operands; returns its input's name and content."""
    rows, depth, columns = shape
    low, high = RANGES[dtype]
    stored, count = DType(dtype), -(-depth // block)
    w = rng.integers(low, high + 1, (columns, depth)).astype(stored.numpy)
    scale = rng.uniform(0.01, 0.1, (columns, count)).astype(np.float32)
    operands: list[Value | None] = [
        graph.add_input("x", TensorType(DType.FLOAT32, (rows, depth))),
        graph.constant("w", w, TensorType(stored, w.shape)),
        graph.constant("scale", scale),
        None,
        None,
    ]
    if zeros:
        zero = rng.integers(low, high + 1, scale.shape).astype(stored.numpy)
        operands[3] = graph.constant("zero", zero, TensorType(stored, zero.shape))
    if bias:
        operands[4] = graph.constant("bias", rng.standard_normal(columns).astype(np.float32))
    node = Node("fully_connected_blocks", operands, [], {"block": block, **attrs})
    node.outputs = [graph.value("y", type) for type in ops.infer(node)]
    graph.insert(node)
    graph.outputs.append(node.output)
    assert operands[0] is not None
    return operands[0].name, rng.standard_normal((rows, depth)).astype(np.float32)


SHAPES = [(1, 40, 70), (1, 9, 5), (3, 33, 17), (4, 64, 32), (9, 31, 50)]


@pytest.mark.parametrize("dtype", sorted(RANGES))
def test_agrees_with_the_reference(dtype: str) -> None:
    rng = np.random.default_rng(0)
    graph = Graph("main")
    inputs: dict[str, Any] = {}
    for index, shape in enumerate(SHAPES):
        for block in (16, 64):
            plain = index % 2 == 0
            limits = None if plain else (-0.5, 0.75)
            inputs.update([add(graph, rng, dtype, shape, block, plain, not plain, clamp=limits)])
    module = Module({"main": graph})
    verify_module(module, ops.infer)
    check_module(module, [inputs])


def test_reference_is_dequantize_then_multiply() -> None:
    w = np.array([[1, -8, 7, 3, 2]], np.int8)
    scale, zero = np.array([[0.5, 2.0, 3.0]], np.float32), np.array([[1, 0, -1]], np.int8)
    real = block_scales.real(w, scale, zero, 1, 2)
    assert real.tolist() == [[0.0, -4.5, 14.0, 6.0, 9.0]]


def test_quantized_is_symmetric_and_keeps_zeros() -> None:
    w = np.array([[0.7, -1.4, 0, 0, 3.5]], np.float32)
    held, scale = block_scales.quantized(w, DType.INT4, 2)
    assert held.tolist() == [[4, -7, 0, 0, 7]]  # 3.5 steps: half to even
    np.testing.assert_allclose(scale, [[0.2, 1.0, 0.5]], rtol=1e-6)


def test_packed_nibbles() -> None:
    w = np.arange(-8, 8, dtype=np.int8).reshape(1, 16)
    packed = block_scales.pack_4(w)
    assert packed.shape == (1, 2, 16, 4)
    assert packed[0, 0, 0].tolist() == [0x40, 0x51, 0x62, 0x73]
    assert packed[0, 1, 0].tolist() == [0xC8, 0xD9, 0xEA, 0xFB]
    assert (packed[0, :, 1:] == 0x88).all(), "what fills is zero"


@pytest.mark.parametrize("dtype", ["int4", "int8"])
@pytest.mark.parametrize("scale", [1e-35, 1.0, 1e30])
def test_digits_hold_every_magnitude(scale: float, dtype: str) -> None:
    """Rows of one large number beside small ones, and rows whose unit no float32 can be."""
    rng = np.random.default_rng(1)
    graph, inputs = Graph("main"), {}
    name, x = add(graph, rng, dtype, (3, 48, 40), 16, True, True)
    x[1] *= np.float32(1e-3)
    x[1, 7] = 5.0
    x[2] = 0.0
    inputs[name] = x * np.float32(scale)
    check_module(Module({"main": graph}), [inputs])


def test_bytes_of_every_length(rng: np.random.Generator) -> None:
    """One scale for each column; the last fours are not whole, and long rows are no digits."""
    graph = Graph("main")
    inputs: dict[str, Any] = {}
    shapes: list[tuple[int, int, int]] = [(1, 257, 130), (2, 129, 96), (1, 4100, 16), (1, 4096, 16)]
    for shape in shapes:
        inputs.update([add(graph, rng, "int8", shape, shape[1], shape[1] == 129, True)])
    largest = graph.nodes[-1].input(1)
    assert largest.data is not None
    largest.data = np.full_like(largest.data, -128)  # sums as large as they can be
    name = graph.nodes[-1].input(0).name
    inputs[name] = np.full((1, 4096), 1.9999, np.float32)
    check_module(Module({"main": graph}), [inputs], tolerance=1e-4)  # of float32 sums of one sign


def test_bytes_have_equal_bits_whatever_they_are_multiplied_by(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    """AVX-512 takes three digits of a byte, AVX2 two of 11 and 12 bits: sums are exact."""
    graph = Graph("main")
    inputs = dict([add(graph, rng, "uint8", (2, 200, 70), 40, True, True)])
    module = Module({"main": graph})
    model = load(generate(module, targets.get("host"), "test"), module, tmp_path)
    found = set()
    for level in model.levels_here():
        model.use_level(level)
        if level != "scalar":
            found.add(model.run(inputs)[graph.outputs[0].name].tobytes())
    assert len(found) == 1


@pytest.mark.parametrize("dtype", ["int4", "int8"])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_what_is_not_finite_stays_so(value: float, dtype: str) -> None:
    rng = np.random.default_rng(2)
    graph, inputs = Graph("main"), {}
    name, x = add(graph, rng, dtype, (2, 32, 16), 32, False, False)
    w = graph.nodes[0].input(1)
    assert w.data is not None
    w.data = np.where(w.data == 0, 1, w.data).astype(np.int8)  # infinity times 0 is no number
    x[1, 3] = value
    inputs[name] = x
    (expected,) = check_module(Module({"main": graph}), [inputs])
    (y,) = expected.values()
    assert np.isfinite(y[0]).all() and not np.isfinite(y[1]).any()
