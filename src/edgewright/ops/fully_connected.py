"""Fully connected: rows of x times a constant matrix."""

from __future__ import annotations

from edgewright.graph import Node, TensorType, upper
from edgewright.ops import Array, Call, Emit, Op, Packing, linear, op, require
from edgewright.ops.linear import Clamp, Epilogue, sum_dtype
from edgewright.ops.linear_emit import emit_fully_connected, fully_connected_scratch


@op("fully_connected")
class FullyConnected(Op):
    """y[..., n] = clamp(sum over k of x[..., k] * w[n, k] + bias[n])."""

    clamp: Clamp | None = None

    def infer(self, x: TensorType, w: TensorType, bias: TensorType | None = None) -> TensorType:
        require(w.rank == 2 and x.rank >= 1, "fully_connected needs [...,K] and [N,K]")
        outputs, inputs = w.dims
        require(x.shape[-1] == inputs, f"x has {x.shape[-1]} features, the weight expects {inputs}")
        require(bias is None or bias.shape == (outputs,), f"bias is {bias}, expected [{outputs}]")
        return TensorType(sum_dtype(x), (*x.shape[:-1], outputs))

    def reference(self, call: Call, x: Array, w: Array, bias: Array | None = None) -> Array:
        rows = linear.centred(x, call.inputs[0]).reshape(-1, w.shape[1])
        total = linear.product(rows, linear.centred(w, call.inputs[1]))
        total = total.reshape(*x.shape[:-1], w.shape[0])
        return Epilogue(self.clamp, once=True)(call, total, bias, None)

    def macs(self, node: Node) -> int:
        return upper(node.output.type.count) * node.input(1).type.dims[1]

    def emit(self, e: Emit) -> None:
        emit_fully_connected(e, self)

    def scratch_bytes(self, node: Node, target: Packing) -> int:
        return fully_connected_scratch(node, self, target)
