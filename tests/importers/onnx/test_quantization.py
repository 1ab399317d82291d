import numpy as np
import onnx
import pytest

from edgewright import passes
from edgewright.errors import EdgewrightError
from edgewright.graph import DType, Quant
from edgewright.ops.interpreter import Interpreter
from tests.importers.onnx.harness import (
    Array,
    check,
    compare,
    floats,
    imported,
    integers,
    model,
    node,
    operators,
    oracle,
)

SCALE: Array = np.array(0.05, np.float32)
ZERO: Array = np.array(120, np.uint8)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_there_and_back(dtype: str) -> None:
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    constants: dict[str, Array] = {"s": SCALE, "z": np.array(3, dtype)}
    module = check(nodes, {"x": floats(4, 5) * 3}, constants)
    stored = module.main.nodes[0].output.type
    assert stored.quant == Quant.per_tensor(0.05, 3)
    assert stored.dtype is DType(dtype)


def test_without_a_zero_point_it_is_uint8() -> None:
    check(node("QuantizeLinear", ["x", "s"], ["y"]), {"x": floats(20) * 4}, {"s": SCALE})


def test_scales_per_channel() -> None:
    constants: dict[str, Array] = {
        "s": np.array([0.1, 0.2, 0.3], np.float32),
        "z": np.array([1, 2, 3], np.uint8),
    }
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"], axis=1),
        node("DequantizeLinear", ["q", "s", "z"], ["y"], axis=1),
    ]
    with pytest.raises(EdgewrightError, match="per channel of an activation"):
        imported(model(nodes, {"x": floats(2, 3, 4)}, ["y"], constants))
    nodes.append(node("Add", ["x", "y"], ["sum"]))
    nodes[0].input[0] = "w"
    module = check(nodes, {"x": floats(2, 3, 4)}, constants | {"w": floats(2, 3, 4) * 5})
    assert operators(module) == ["dequantize", "add"]


def test_an_integer_input_takes_the_meaning_of_its_reader() -> None:
    made = node("DequantizeLinear", ["x", "s", "z"], ["y"])
    module = check(made, {"x": integers(3, 4)}, {"s": SCALE, "z": ZERO})
    assert module.main.inputs[0].type.quant == Quant.per_tensor(0.05, 120)


def test_the_meaning_goes_back_to_the_input_through_movement() -> None:
    nodes = [
        node("Transpose", ["x"], ["t"], perm=[1, 0]),
        node("DequantizeLinear", ["t", "s", "z"], ["y"]),
    ]
    module = check(nodes, {"x": integers(3, 4)}, {"s": SCALE, "z": ZERO})
    assert module.main.inputs[0].type.quant == Quant.per_tensor(0.05, 120)


def test_two_meanings_of_one_tensor_are_refused() -> None:
    nodes = [
        node("DequantizeLinear", ["x", "s", "z"], ["a"]),
        node("DequantizeLinear", ["x", "t", "z"], ["b"]),
    ]
    constants: dict[str, Array] = {"s": SCALE, "z": ZERO, "t": np.array(0.1, np.float32)}
    with pytest.raises(EdgewrightError, match="is read with"):
        imported(model(nodes, {"x": integers(3)}, ["a", "b"], constants))


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
def test_scales_that_mean_nothing_are_refused(scale: float) -> None:
    made = node("QuantizeLinear", ["x", "s", "z"], ["y"])
    constants: dict[str, Array] = {"s": np.array(scale, np.float32), "z": ZERO}
    with pytest.raises(EdgewrightError, match="a scale is"):
        imported(model([made], {"x": floats(3)}, ["y"], constants))


def test_a_scale_of_run_time_is_refused() -> None:
    values = {"x": floats(3), "s": SCALE}
    made = node("QuantizeLinear", ["x", "s"], ["y"])
    with pytest.raises(EdgewrightError, match="computed at run time"):
        imported(model([made], values, ["y"]))


def test_activations_keep_their_quantisation_through_movement() -> None:
    nodes = [
        node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        node("Transpose", ["q"], ["t"], perm=[1, 0]),
        node("DequantizeLinear", ["t", "s", "z"], ["y"]),
    ]
    check(nodes, {"x": floats(4, 5)}, {"s": SCALE, "z": ZERO})


def test_range_of_this_very_tensor() -> None:
    made = node("DynamicQuantizeLinear", ["x"], ["y", "s", "z"])
    check(made, {"x": floats(4, 50)})


@pytest.mark.parametrize("dtype", ["int4", "uint4", "int8"])
@pytest.mark.parametrize("axis", [0, 1])
def test_scales_per_block_stay_with_the_weight(dtype: str, axis: int) -> None:
    """MatMul reads [K, N]: blocks along K are those of a product, others become floats."""
    depth, columns, block = 32, 6, 8 if axis == 0 else 3
    low, high = {"int4": (-8, 8), "uint4": (0, 16), "int8": (-128, 128)}[dtype]
    kind = getattr(onnx.TensorProto, dtype.upper())
    shape = (depth // block, columns) if axis == 0 else (depth, columns // block)
    w = integers(depth, columns, low=low, high=high, dtype="int16")
    zeros = integers(*shape, low=low, high=high, dtype="int16")
    scales = np.abs(floats(*shape)) + np.float32(0.1)
    nodes = [
        node("DequantizeLinear", ["w", "s", "z"], ["f"], axis=axis, block_size=block),
        node("MatMul", ["x", "f"], ["y"]),
    ]
    x = {"x": floats(2, depth)}
    proto = model(nodes, x, ["y"], {"s": scales}, opset=21)
    proto.graph.initializer.extend(
        onnx.helper.make_tensor(name, kind, array.shape, array.ravel().tolist())
        for name, array in (("w", w), ("z", zeros))
    )
    module = imported(proto)
    compare(Interpreter(module).run(x), oracle(proto, x))
    passes.optimize(module)
    assert operators(module) == ["fully_connected_blocks" if axis == 0 else "fully_connected"]
    compare(Interpreter(module).run(x), oracle(proto, x))
