"""Models that are well-formed files but nonsense: an error with a place, never a crash."""

import random

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgewright import ops
from edgewright.errors import EdgewrightError
from edgewright.graph import verify_module
from edgewright.importers.onnx import rule
from edgewright.importers.onnx.model import convert
from edgewright.importers.options import ImportOptions
from tests.importers.onnx.harness import Array, floats, integers, model, node

NUMBERS = [-(2**63), -100, -2, -1, 0, 1, 2, 3, 7, 100, 2**31, 2**63 - 1]
FRACTIONS = [0.0, -1.0, float("nan"), float("inf"), 1e38]


def samples() -> list[onnx.ModelProto]:
    """One model per family of rules."""
    image = {"x": floats(1, 4, 6, 6)}
    none = np.zeros(0, np.float32)
    return [
        model([node("Conv", ["x", "w", "b"], ["y"], group=2, pads=[1, 1, 1, 1], strides=[2, 1],
                    dilations=[1, 1])], image, ["y"], {"w": floats(4, 2, 3, 3), "b": floats(4)}),
        model([node("AveragePool", ["x"], ["y"], kernel_shape=[3, 3], ceil_mode=1,
                    strides=[2, 2])], image, ["y"]),
        model([node("ConvTranspose", ["x", "w"], ["y"], group=2, output_padding=[0, 0],
                    strides=[2, 2])], image, ["y"], {"w": floats(4, 2, 3, 3)}),
        model([node("Resize", ["x", "r", "s"], ["y"], mode="cubic")], image, ["y"],
              {"r": none, "s": np.array([1, 1, 2, 1.5], np.float32)}),
        model([node("Slice", ["x", "a", "b", "c", "d"], ["y"])], image, ["y"],
              {k: np.array([v]) for k, v in {"a": 1, "b": 5, "c": 2, "d": 2}.items()}),
        model([node("Shape", ["x"], ["s"]), node("Gather", ["s", "i"], ["g"]),
               node("Concat", ["g", "m"], ["t"], axis=0), node("Reshape", ["x", "t"], ["y"])],
              image, ["y"], {"i": np.array([0, 1]), "m": np.array([-1])}),
        model([node("LSTM", ["x", "w", "r", "b"], ["y"], hidden_size=3)],
              {"x": floats(4, 2, 3)}, ["y"],
              {"w": floats(1, 12, 3), "r": floats(1, 12, 3), "b": floats(1, 24)}),
        model([node("QuantizeLinear", ["x", "s", "z"], ["q"]),
               node("QLinearConv", ["q", "s", "z", "w", "s", "z", "s", "z"], ["y"])], image, ["y"],
              {"s": np.array(0.1, np.float32), "z": np.array(3, np.uint8),
               "w": integers(2, 4, 3, 3)}),
        model([node("Gemm", ["x", "w", "c"], ["y"], alpha=2.0, transB=1)], {"x": floats(3, 4)},
              ["y"], {"w": floats(5, 4), "c": floats(5)}),
        model([node("Pad", ["x", "p"], ["t"], mode="reflect"), node("Split", ["t", "n"], ["y", "z"],
                    axis=1), node("Softmax", ["y"], ["u"], axis=1)], image, ["u", "z"],
              {"p": np.array([0, 0, 1, 1, 0, 0, 2, 2]), "n": np.array([1, 3])}),
    ]  # fmt: skip


def damage(proto: onnx.ModelProto, dice: random.Random) -> None:
    """Change an attribute, an operand, the operator, a constant or an input's type."""
    chosen = dice.choice(proto.graph.node)
    kind = dice.randrange(6)
    if kind == 0 and chosen.attribute:
        damage_attribute(dice.choice(chosen.attribute), dice)
    elif kind == 1 and chosen.attribute:
        chosen.attribute.remove(dice.choice(chosen.attribute))
    elif kind == 2:
        place = dice.randrange(len(chosen.input))
        chosen.input[place] = dice.choice(["", *chosen.input])
    elif kind == 3:
        chosen.op_type = dice.choice(rule.covered()[""])
    elif kind == 4 and proto.graph.initializer:
        damage_constant(dice.choice(proto.graph.initializer), dice)
    else:
        type = proto.graph.input[0].type.tensor_type
        type.elem_type = dice.choice([1, 2, 3, 7, 9, 10, 11, 16])
        dice.choice(type.shape.dim).dim_value = dice.choice([1, 2, 5, 64])


def damage_attribute(attribute: onnx.AttributeProto, dice: random.Random) -> None:
    if attribute.type == onnx.AttributeProto.INT:
        attribute.i = dice.choice(NUMBERS)
    elif attribute.type == onnx.AttributeProto.FLOAT:
        attribute.f = dice.choice(FRACTIONS)
    elif attribute.type == onnx.AttributeProto.INTS:
        attribute.ints[dice.randrange(len(attribute.ints))] = dice.choice(NUMBERS)
    else:
        attribute.s = dice.choice([b"", b"linear", b"SAME_UPPER", b"reverse"])


def damage_constant(tensor: onnx.TensorProto, dice: random.Random) -> None:
    array = np.array(numpy_helper.to_array(tensor))
    if array.size:
        values = NUMBERS if array.dtype.kind in "iu" else FRACTIONS
        info = np.iinfo(array.dtype) if array.dtype.kind in "iu" else None
        value = dice.choice(values)
        held = min(max(value, info.min), info.max) if info else np.float32(value)
        array.flat[dice.randrange(array.size)] = held
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


HUGE = 2**40


@pytest.mark.parametrize(
    ("made", "constants"),
    [
        (node("OneHot", ["i", "d", "v"], ["y"]), {"d": np.array(HUGE), "v": floats(2)}),
        (node("Split", ["x"], ["y", "z"], num_outputs=2**31), {}),
        (node("ConstantOfShape", ["s"], ["y"]), {"s": np.array([HUGE, 4])}),
        (node("Range", ["a", "b", "c"], ["y"]), {k: np.array(v) for k, v in
                                                 {"a": 0, "b": HUGE, "c": 1}.items()}),
        (node("Resize", ["x", "r", "s", "t"], ["y"], mode="cubic"),
         {"r": np.zeros(0, np.float32), "s": np.zeros(0, np.float32), "t": np.array([1, HUGE])}),
        (node("Resize", ["x", "r", "s", "t"], ["y"], cubic_coeff_a=0.5, mode="linear"),
         {"r": np.zeros(0, np.float32), "s": np.zeros(0, np.float32), "t": np.array([1, HUGE])}),
    ],
)  # fmt: skip
def test_sizes_that_no_computer_holds_are_refused(
    made: onnx.NodeProto, constants: dict[str, Array]
) -> None:
    inputs = {"x": floats(1, 4), "i": integers(3, dtype="int64")}
    proto = model([made], inputs, list(made.output), constants, 18)
    with pytest.raises(EdgewrightError, match=made.op_type):
        convert(proto, "huge.onnx", ImportOptions())


@pytest.mark.parametrize("seed", range(40))
def test_damage_is_an_error_or_harmless(seed: int) -> None:
    dice = random.Random(seed)
    for proto in samples():
        for _ in range(dice.randrange(1, 4)):
            damage(proto, dice)
        try:
            module = convert(proto, "damaged.onnx", ImportOptions())
        except EdgewrightError as error:
            assert error.status == 2
            assert "damaged.onnx" in error.render()
        else:
            verify_module(module, ops.infer)
