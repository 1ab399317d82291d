"""Reshapes, slices, splits, padding, gathering: over their options and element types."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgewright.errors import UnsupportedModel
from edgewright.verify.oracles.single_op import Operand, build
from tests.importers.tflite import single
from tests.importers.tflite.single import DTYPES, Kind, const, fed, kind, options, random

#: movement knows nothing of what it moves: one quantised, one plain, one wide type
MOVED = ("float32", "int8", "int16", "int32")


def x_of(shape: tuple[int, ...], dtype: str, name: str = "x") -> Operand:
    return fed(name, random(shape, dtype))


def ops_of(answer: single.Answer) -> list[str]:
    return [node.op for node in answer.module.main.nodes]


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize("shape", [(6, 4), (-1, 3), (2, -1, 2), (24,), (1, 24, 1)])
def test_reshape(shape: tuple[int, ...], dtype: str) -> None:
    """The shape as an input, or as an option of older files."""
    x = x_of((2, 3, 4), dtype)
    single.run("RESHAPE", [x, const("shape", shape)], [kind(dtype)])
    single.run("RESHAPE", [x], [kind(dtype)], options("Reshape", newShape=list(shape)))


def test_reshape_to_a_scalar() -> None:
    answer = single.run("RESHAPE", [x_of((1, 1), "float32"), const("s", [], "int32")],
                        [kind("float32")])  # fmt: skip
    assert answer.ours[0].shape == ()


@pytest.mark.parametrize("axes", [[], [0], [-1], [0, 2], [-4, -2]])
def test_squeeze(axes: list[int]) -> None:
    made = options("Squeeze", squeezeDims=axes)
    single.run("SQUEEZE", [x_of((1, 3, 1, 1), "int8")], [kind("int8")], made)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_expand_dims(axis: int) -> None:
    single.run("EXPAND_DIMS", [x_of((2, 3), "int8"), const("axis", axis)], [kind("int8")])


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize("perm", [(1, 0, 2, 3), (3, 2, 1, 0), (0, 3, 1, 2), (0, 1, 2, 3)])
def test_transpose(perm: tuple[int, ...], dtype: str) -> None:
    single.run("TRANSPOSE", [x_of((2, 3, 4, 5), dtype), const("perm", perm)], [kind(dtype)])


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize("axis", [0, 1, -1, -2])
def test_concatenation(axis: int, dtype: str) -> None:
    shapes = [[2, 3, 4] for _ in range(3)]
    for extra, shape in enumerate(shapes):
        shape[axis] += extra
    parts = [x_of(tuple(s), dtype, f"x{i}") for i, s in enumerate(shapes)]
    single.run("CONCATENATION", parts, [kind(dtype)], options("Concatenation", axis=axis))


def test_concatenation_of_different_scales() -> None:
    """Only uint8 may: each part is requantised."""
    parts = [
        fed(f"x{i}", random((1, 5), "uint8", i), Kind("uint8", 0.05 * (i + 1), 100 + i))
        for i in range(3)
    ]
    single.run("CONCATENATION", parts, [Kind("uint8", 0.11, 90)], options("Concatenation", axis=1))


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int16", "int32"])
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2])
def test_pack_and_unpack(axis: int, dtype: str) -> None:
    parts = [fed(f"x{i}", random((2, 3), dtype, i)) for i in range(4)]
    made = options("Pack", valuesCount=4, axis=axis)
    packed = single.run("PACK", parts, [kind(dtype)], made)
    x = fed("x", packed.ours[0])
    single.run("UNPACK", [x], [kind(dtype)] * x.shape[axis],
               options("Unpack", num=x.shape[axis], axis=axis))  # fmt: skip


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize(("axis", "parts"), [(0, 2), (1, 3), (-1, 4), (-2, 6), (1, 1)])
def test_split(axis: int, parts: int, dtype: str) -> None:
    x = x_of((4, 6, 8), dtype)
    made = options("Split", numSplits=parts)
    single.run("SPLIT", [const("axis", [axis]), x], [kind(dtype)] * parts, made)


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize(
    ("axis", "sizes"), [(1, (1, 2, 3)), (-1, (5, -1)), (0, (-1, 1, 1)), (1, (-1,)), (1, (6, -1))]
)
def test_split_v(axis: int, sizes: tuple[int, ...], dtype: str) -> None:
    x = x_of((4, 6, 8), dtype)
    made = options("SplitV", numSplits=len(sizes))
    single.run("SPLIT_V", [x, const("sizes", sizes), const("axis", [axis])],
               [kind(dtype)] * len(sizes), made)  # fmt: skip


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize(
    ("begin", "size"), [((0, 1, 2), (2, 2, 1)), ((1, 0, 0), (-1, 3, -1)), ((0, 0, 0), (2, 3, 4))]
)
def test_slice(begin: tuple[int, ...], size: tuple[int, ...], dtype: str) -> None:
    operands = [x_of((2, 3, 4), dtype), const("begin", begin), const("size", size)]
    single.run("SLICE", operands, [kind(dtype)])


#: begin, end, strides, masks
SLICES: list[tuple[list[int], list[int], list[int], dict[str, int]]] = [
    ([0, 1, 2], [2, 4, 5], [1, 1, 1], {}),
    ([0, 0, 0], [3, 5, 7], [2, 3, 4], {}),
    ([-2, -3, -1], [3, -1, 7], [1, 1, 1], {}),
    ([1, 1, 1], [2, 2, 2], [1, 1, 1], {"beginMask": 5, "endMask": 3}),
    ([2, 4, 6], [0, 0, 0], [-1, -2, -3], {}),
    ([2, 4, 6], [0, 0, 0], [-1, -2, -3], {"endMask": 6}),
    ([0, 0, 0], [0, 0, 0], [-1, -1, -1], {"beginMask": 7, "endMask": 7}),
    ([1, 2, 0], [2, 3, 7], [1, 1, 2], {"shrinkAxisMask": 3}),
    ([1, -1, 0], [2, 0, 7], [1, 1, 1], {"shrinkAxisMask": 2}),
    ([1, 2, 3], [2, 3, 4], [1, 1, 1], {"shrinkAxisMask": 7}),
    ([1], [3], [1], {}),
    ([-100, 2], [100, 100], [1, 2], {}),
    ([1, 0], [9, 9], [1, 1], {"shrinkAxisMask": 1, "endMask": 1}),
]


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int16", "int32", "bool"])
@pytest.mark.parametrize(("begin", "end", "step", "masks"), SLICES)
def test_strided_slice(
    begin: list[int], end: list[int], step: list[int], masks: dict[str, int], dtype: str
) -> None:
    operands = [x_of((3, 5, 7), dtype), const("b", begin), const("e", end), const("s", step)]
    single.run("STRIDED_SLICE", operands, [kind(dtype)], options("StridedSlice", **masks))


@pytest.mark.parametrize("dtype", [*DTYPES, "int32"])
@pytest.mark.parametrize(
    "pads", [[(0, 0), (1, 2), (3, 0), (0, 1)], [(2, 0), (0, 0), (0, 0), (0, 0)]]
)
def test_pad(pads: list[tuple[int, int]], dtype: str) -> None:
    """Padding is the zero point; PADV2 names a value, in the units of the tensor."""
    x = x_of((2, 3, 2, 3), dtype)
    single.run("PAD", [x, const("pads", pads)], [kind(dtype)])
    stored = np.array([-5 if dtype not in ("uint8", "float32") else 99], dtype)
    value = single.constant(fed("value", stored))
    single.run("PADV2", [x, const("pads", pads), value], [kind(dtype)])


@pytest.mark.parametrize("dtype", ["float32", "int8", "int16", "int32"])
@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize("pads", [[(0, 0), (1, 2), (2, 0)], [(1, 1), (2, 2), (3, 3)]])
def test_mirror_pad(pads: list[tuple[int, int]], mode: int, dtype: str) -> None:
    """REFLECT leaves the border out of the mirror, SYMMETRIC does not."""
    x = x_of((2, 3, 4), dtype)
    made = options("MirrorPad", mode=mode)
    single.run("MIRROR_PAD", [x, const("pads", pads)], [kind(dtype)], made)


@pytest.mark.parametrize("dtype", [*MOVED, "bool"])
@pytest.mark.parametrize(
    ("axis", "batch_dims", "indices"),
    [
        (0, 0, [1, 0, 1, 1]),
        (1, 0, [[2, 0], [1, 1]]),
        (-1, 0, [3]),
        (2, 1, [[0, 3, 1], [2, 2, 0]]),
        (-1, 1, [[0], [3]]),
        (1, 1, [[0, 2], [1, 1]]),
        (0, 0, 1),
    ],
)
def test_gather(axis: int, batch_dims: int, indices: Any, dtype: str) -> None:
    made = options("Gather", axis=axis, batchDims=batch_dims)
    where = fed("i", np.array(indices, np.int32))
    single.run("GATHER", [x_of((2, 3, 4), dtype), where], [kind(dtype)], made)
    single.run("GATHER", [x_of((2, 3, 4), dtype), const("i", indices, "int64")], [kind(dtype)],
               made)  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "int8", "int16", "int32"])
@pytest.mark.parametrize("indices", [[[1, 2]], [[0], [1]], [[[1, 2, 3]], [[0, 0, 0]]]])
def test_gather_nd(indices: Any, dtype: str) -> None:
    where = fed("i", np.array(indices, np.int32))
    single.run("GATHER_ND", [x_of((2, 3, 4), dtype), where], [kind(dtype)])


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int32"])
@pytest.mark.parametrize("block", [1, 2, 3])
def test_depth_to_space_and_back(block: int, dtype: str) -> None:
    x = x_of((2, 2, 3, 2 * block * block), dtype)
    made = options("DepthToSpace", blockSize=block)
    wide = single.run("DEPTH_TO_SPACE", [x], [kind(dtype)], made).ours[0]
    back = options("SpaceToDepth", blockSize=block)
    answer = single.run("SPACE_TO_DEPTH", [fed("x", wide)], [kind(dtype)], back)
    np.testing.assert_array_equal(answer.ours[0], x.data)


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8"])
@pytest.mark.parametrize(
    ("block", "pads"),
    [((2, 2), [(0, 0), (0, 0)]), ((2, 3), [(1, 1), (0, 2)]), ((1, 2), [(0, 0)] * 2)],
)
def test_space_to_batch_and_back(
    block: tuple[int, int], pads: list[tuple[int, int]], dtype: str
) -> None:
    x = x_of((2, 4, 4, 3), dtype)
    operands = [x, const("block", block), const("pads", pads)]
    batched = single.run("SPACE_TO_BATCH_ND", operands, [kind(dtype)]).ours[0]
    back = [fed("x", batched), const("block", block), const("crops", pads)]
    answer = single.run("BATCH_TO_SPACE_ND", back, [kind(dtype)])
    np.testing.assert_array_equal(answer.ours[0], x.data)


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize("repeats", [(1, 1, 1), (2, 1, 3), (1, 4, 1)])
def test_tile(repeats: tuple[int, ...], dtype: str) -> None:
    single.run("TILE", [x_of((2, 3, 2), dtype), const("repeats", repeats)], [kind(dtype)])


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize("shape", [(2, 3), (4, 2, 3), (2, 2, 2, 3)])
def test_broadcast_to(shape: tuple[int, ...], dtype: str) -> None:
    single.run("BROADCAST_TO", [x_of((2, 3), dtype), const("shape", shape)], [kind(dtype)], None, 2)
    single.run("BROADCAST_TO", [x_of((2, 1), dtype), const("shape", shape)], [kind(dtype)], None, 2)


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_shape(dtype: str) -> None:
    from ai_edge_litert.schema_py_generated import TensorType as Types

    made = options("Shape", outType=getattr(Types, dtype.upper()))
    answer = single.run("SHAPE", [x_of((2, 3, 4), "int8")], [Kind(dtype)], made)
    assert answer.module.main.outputs[0].is_constant
    assert ops_of(answer) == []


# -- what is refused -------------------------------------------------------------------------------


def refusal(op: str, inputs: list[Operand], made: Any = None, results: int = 1) -> UnsupportedModel:
    held = [Operand("x", "float32", (4, 4)), *inputs]
    outputs = [Operand(f"y{i}", "float32", (4, 4)) for i in range(results)]
    with pytest.raises(UnsupportedModel) as caught:
        single.load(build(op, held, outputs, made))
    assert caught.value.where == f"model.tflite: {op} #0 -> 'y0'"
    return caught.value


@pytest.mark.parametrize("op", ["TRANSPOSE", "TILE", "BROADCAST_TO", "PAD", "EXPAND_DIMS"])
def test_what_must_be_known_now(op: str) -> None:
    error = refusal(op, [Operand("n", "int32", (2,))])
    assert "is computed at run time" in error.what
    assert error.help == "make it a constant"


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"ellipsisMask": 1}, "ellipsis and new-axis masks are not supported"),
        ({"newAxisMask": 2}, "ellipsis and new-axis masks are not supported"),
    ],
)
def test_masks_of_strided_slice(fields: dict[str, int], what: str) -> None:
    slices = [const("b", [0, 0]), const("e", [2, 2]), const("s", [1, 1])]
    assert what in refusal("STRIDED_SLICE", slices, options("StridedSlice", **fields)).what


def test_a_stride_of_nothing() -> None:
    slices = [const("b", [0, 0]), const("e", [2, 2]), const("s", [0, 1])]
    assert "the stride is 0" in refusal("STRIDED_SLICE", slices, options("StridedSlice")).what


def test_an_activation_after_concatenation() -> None:
    made = options("Concatenation", axis=0, fusedActivationFunction=1)
    error = refusal("CONCATENATION", [Operand("z", "float32", (4, 4))], made)
    assert "a fused activation after CONCATENATION" in error.what
