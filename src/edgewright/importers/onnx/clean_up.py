"""Clean-up before import by onnxscript's optimiser, with every node's place in the file kept.

Its rewrite rules write operators as opset 18 has them, so older models are left as they are; the
rules of this folder read both. Only what computes exactly is folded: shapes, casts, arrangements
and elementwise arithmetic of small tensors. Sums, matrix products and transcendental functions of
constants are left to our own folding, whose results do not depend on the CPU (CONTRIBUTING.md, 2).
"""

from __future__ import annotations

import logging
import warnings
from typing import Any, Final

import onnx

from edgewright.graph import Location

REWRITTEN_SINCE: Final = 18
#: Bytes; larger constants are folded by a pass of ours, which has its own bounds.
INPUT_LIMIT: Final = 8 * 1024
OUTPUT_LIMIT: Final = 64 * 1024
ORIGIN: Final = "edgewright.origin"
FIELDS: Final = 4  # of an origin: index, operator type, node name, first output

EXACT: Final = frozenset(
    {
        "Add", "And", "Cast", "Concat", "ConstantOfShape", "Div", "Equal", "Expand", "Flatten",
        "Gather", "Greater", "GreaterOrEqual", "Identity", "Less", "LessOrEqual", "Max", "Min",
        "Mod", "Mul", "Neg", "Not", "Or", "Range", "ReduceProd", "Reshape", "Shape", "Size",
        "Slice", "Split", "Squeeze", "Sub", "Transpose", "Unsqueeze", "Where",
    }
)  # fmt: skip


def clean_up(model: onnx.ModelProto, opset: int, own: bool = False) -> onnx.ModelProto:
    """A copy with dead nodes removed, shape arithmetic folded and redundant nodes merged.

    It may be the model itself, changed, where that is the caller's `own`.
    Each node carries where it was in the file (`origin_of`). Where the optimiser fails nothing but
    these marks is changed, since nothing depends on its success.
    """
    stamped = model if own else onnx.ModelProto()
    if not own:
        stamped.CopyFrom(model)
    _stamp(stamped.graph, 0)
    if opset < REWRITTEN_SINCE:
        return stamped
    try:
        return _optimized(stamped)
    except Exception:  # whatever a third party raises on what it does not understand
        return stamped


def _optimized(model: onnx.ModelProto) -> onnx.ModelProto:
    """The optimiser's result, without what it has to say."""
    import onnx_ir
    from onnxscript import optimizer

    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = onnx_ir.from_proto(model)
            optimizer.optimize_ir(
                made,
                onnx_shape_inference=False,
                input_size_limit=INPUT_LIMIT,
                output_size_limit=OUTPUT_LIMIT,
                should_fold=_may_fold,
                inline=False,
            )
            return onnx_ir.to_proto(made)
    finally:
        logging.disable(before)


def _may_fold(node: Any) -> bool | None:
    """None leaves the decision to the optimiser."""
    return None if node.op_type in EXACT and node.domain in ("", "ai.onnx") else False


def _stamp(graph: onnx.GraphProto, count: int) -> int:
    """Number the nodes in file order, outer before inner; returns the next number."""
    for node in graph.node:
        entry = node.metadata_props.add()
        entry.key = ORIGIN
        output = next((o for o in node.output if o), "")
        entry.value = "\n".join([str(count), node.op_type, node.name, output])
        count += 1
        for attribute in node.attribute:
            if attribute.HasField("g"):
                count = _stamp(attribute.g, count)
    return count


def origin_of(node: onnx.NodeProto, file: str) -> Location:
    """Where a node was in the file; a node that the optimiser made names itself."""
    for entry in node.metadata_props:
        fields = entry.value.split("\n")
        if entry.key == ORIGIN and len(fields) >= FIELDS and fields[0].isdecimal():
            index, op_type, name, output = fields[:FIELDS]
            return Location(file, op_type, name, output, int(index))
    output = next((o for o in node.output if o), "")
    return Location(file, node.op_type, node.name, output)
