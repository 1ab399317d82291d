"""A choice between two regions at run time."""

from __future__ import annotations

from edgewright.graph import DType, Node, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, require
from edgewright.ops.regions import compatible


@op("if")
class If(Op):
    """The results of the first region where the condition holds, else those of the second.

    The regions have no inputs of their own: they read values from around the node. Their results
    must have the same types, since memory is planned ahead.
    """

    def infer_node(self, node: Node) -> tuple[TensorType, ...]:
        require(len(node.regions) == 2, f"if has {len(node.regions)} regions, not 2")
        require(len(node.inputs) == 1, "if takes one input, the condition")
        condition = node.input(0).type
        require(
            condition.dtype is DType.BOOL and condition.count == 1,
            f"the condition is {condition}, not one bool",
        )
        then, otherwise = ([v.type for v in region.outputs] for region in node.regions)
        require(not any(region.inputs for region in node.regions), "a branch of if takes inputs")
        require(len(then) == len(otherwise), "the branches of if differ in their results")
        for index, (a, b) in enumerate(zip(then, otherwise, strict=True)):
            require(
                compatible(a, b), f"result {index} of if is {a} in one branch and {b} in the other"
            )
        return tuple(then)

    def reference(self, call: Call, condition: Array) -> list[Array]:
        assert call.run is not None
        return call.run(call.regions[0 if condition.reshape(-1)[0] else 1], [])

    def emit(self, e: Emit) -> None:
        then, otherwise = e.node.regions
        e.line(f"if (*{e.ptr(e.inputs[0])}) {{")
        for region in (then, otherwise):
            e.region(region)
            for source, target in zip(region.outputs, e.outputs, strict=True):
                e.copy(source, target)
            e.line("} else {" if region is then else "}")
