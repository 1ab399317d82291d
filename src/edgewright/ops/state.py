"""Memory that lives from one call to the next."""

from __future__ import annotations

from edgewright.graph import Node, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, require


@op("read_state")
class ReadState(Op):
    """The content of a state at this moment: a copy, which a later `write_state` leaves alone."""

    state: str = ""

    def infer_node(self, node: Node) -> TensorType:
        # The type is the state's, which the module knows and the verifier compares.
        require(not node.inputs, "read_state takes no input")
        require(len(node.outputs) == 1, "the result of read_state is declared, not inferred")
        return node.output.type

    def reference(self, call: Call) -> Array:
        return call.states[self.state].copy()

    def emit(self, e: Emit) -> None:
        y = e.outputs[0]
        e.call(
            "memcpy", e.ptr(y), e.state(self.state), e.size(y.type.count * y.type.dtype.itemsize)
        )


@op("write_state")
class WriteState(Op):
    """Replace the content of a state by x; no result."""

    state: str = ""

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return ()

    def reference(self, call: Call, x: Array) -> tuple[Array, ...]:
        call.states[self.state] = x.copy()
        return ()

    def emit(self, e: Emit) -> None:
        (x,) = e.inputs
        assert x is not None
        e.call(
            "memcpy", e.state(self.state), e.ptr(x), e.size(x.type.count * x.type.dtype.itemsize)
        )
