"""Any function of one 8-bit tensor, by its 256 results."""

from __future__ import annotations

from edgewright.graph import DType, Node, TensorType
from edgewright.ops import Array, Call, Emit, Op, Packing, op, quantised_c, require
from edgewright.ops.integer import tables

MODES = ("float", "fixed")


@op("lookup")
class Lookup(Op):
    """y = table[mode, x]; table [2, 256] is constant, in the order of the codes' bits.

    Its first row holds for the requantization mode "float", the second one for "fixed".
    """

    def infer(self, x: TensorType, table: TensorType) -> TensorType:
        for given in (x, table):
            require(given.dtype in (DType.INT8, DType.UINT8), f"lookup of {x} in {table}")
        require(table.shape == (len(MODES), 256), f"the table is {table}, expected [2, 256]")
        return TensorType(table.dtype, x.shape, table.quant)

    def inplace_operands(self, node: Node, target: Packing) -> tuple[int, ...]:
        # Memory that is the caller's has a type.
        return (0,) if node.input(0).type.dtype is node.output.type.dtype else ()

    def reference(self, call: Call, x: Array, table: Array) -> Array:
        return tables.look_up(x, table[MODES.index(call.requantization)])

    def divided(self, node: Node, axis: int) -> tuple[int | None, ...]:
        return (axis, None)

    def emit(self, e: Emit) -> None:
        x, table = e.inputs
        assert x is not None
        assert table is not None
        require(table.data is not None, "lookup in a table that is computed at run time")
        assert table.data is not None
        quantised_c.emit_table(e, x, table.data[MODES.index(e.requantization)])
