"""Moving blocks of pixels between channels and the plane; channels last."""

from __future__ import annotations

from edgewright.graph import Size, TensorType, Value
from edgewright.ops import Array, Call, Emit, Op, op, require
from edgewright.ops.strided import Axis, emit_copy, strides

MODES = ("dcr", "crd")


def _check(op_name: str, x: TensorType, block: int, mode: str) -> None:
    require(x.rank == 4, f"{op_name} needs 4 axes, got {x}")
    require(block >= 1, f"{op_name} of block {block}")
    require(mode in MODES, f"{op_name} has no mode {mode!r}")


def _split_shapes(
    wide: tuple[Size, ...], block: int, mode: str
) -> tuple[tuple[Size, ...], tuple[int, ...]]:
    """The shape of the deep tensor with its channels taken apart, and the order that widens it.

    `wide` is (batch, rows and columns of the deep tensor, channels of the wide one).
    """
    n, h, w, c = wide
    if mode == "dcr":  # channel = (block row, block column, c)
        return (n, h, w, block, block, c), (0, 1, 3, 2, 4, 5)
    return (n, h, w, c, block, block), (0, 1, 4, 2, 5, 3)


@op("depth_to_space")
class DepthToSpace(Op):
    """y[n, h*B + i, w*B + j, c] = x[n, h, w, channel(i, j, c)].

    The channel is (i*B + j)*C + c in mode "dcr" and (c*B + i)*B + j in mode "crd".
    """

    block: int = 1
    mode: str = "dcr"

    def infer(self, x: TensorType) -> TensorType:
        _check("depth_to_space", x, self.block, self.mode)
        n, h, w, c = x.shape
        deep = self.block * self.block
        require(isinstance(c, int) and c % deep == 0, f"{c} channels do not divide by {deep}")
        return x.with_shape(n, h * self.block, w * self.block, c // deep)

    def reference(self, call: Call, x: Array) -> Array:
        n, h, w, c = x.shape
        deep = self.block * self.block
        apart, order = _split_shapes((n, h, w, c // deep), self.block, self.mode)
        moved = x.reshape(call.sizes(apart)).transpose(order)
        return moved.reshape(n, h * self.block, w * self.block, c // deep)

    def emit(self, e: Emit) -> None:
        (x,), (y,) = e.inputs, e.outputs
        assert x is not None
        _emit_blocks(e, x, y, (self.block, self.mode), widen=True)


@op("space_to_depth")
class SpaceToDepth(Op):
    """The inverse of `depth_to_space`: y[n, h, w, channel(i, j, c)] = x[n, h*B + i, w*B + j, c]."""

    block: int = 1
    mode: str = "dcr"

    def infer(self, x: TensorType) -> TensorType:
        _check("space_to_depth", x, self.block, self.mode)
        n, h, w, c = x.shape
        for size in (h, w):
            require(
                size // self.block * self.block == size,
                f"{size} pixels do not divide by the block {self.block}",
            )
        deep = self.block * self.block
        return x.with_shape(n, h // self.block, w // self.block, c * deep)

    def reference(self, call: Call, x: Array) -> Array:
        n, h, w, c = x.shape
        b = self.block
        order = (0, 1, 3, 2, 4, 5) if self.mode == "dcr" else (0, 1, 3, 5, 2, 4)
        moved = x.reshape(n, h // b, b, w // b, b, c).transpose(order)
        return moved.reshape(n, h // b, w // b, c * b * b)

    def emit(self, e: Emit) -> None:
        (x,), (y,) = e.inputs, e.outputs
        assert x is not None
        _emit_blocks(e, y, x, (self.block, self.mode), widen=False)


def _emit_blocks(e: Emit, deep: Value, wide: Value, how: tuple[int, str], widen: bool) -> None:
    """Copy between the deep and the wide tensor, in the order of the destination."""
    n, h, w, _ = deep.type.shape
    apart, order = _split_shapes((n, h, w, wide.type.shape[3]), *how)
    deep_steps = strides(apart)
    wide_steps = strides([apart[axis] for axis in order])
    steps = [(apart[axis], wide_steps[i], deep_steps[axis]) for i, axis in enumerate(order)]
    if widen:
        axes = [Axis(size, wide_step, deep_step) for size, wide_step, deep_step in steps]
        emit_copy(e, e.ptr(wide), e.ptr(deep), axes, deep.type.dtype.itemsize)
        return
    back = [Axis(size, deep_step, wide_step) for size, wide_step, deep_step in steps]
    in_order = [back[order.index(axis)] for axis in range(len(order))]
    emit_copy(e, e.ptr(deep), e.ptr(wide), in_order, deep.type.dtype.itemsize)
