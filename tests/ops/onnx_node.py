"""Single ONNX nodes, run by ONNX Runtime: what our references must equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper

Array = npt.NDArray[Any]


def onnx_node(
    op: str, inputs: Sequence[Array], outputs: int = 1, opset: int = 18, **attrs: Any
) -> list[Array]:
    """The results of one node of the default domain."""
    return onnx_run([(op, inputs, attrs)], outputs, opset)


def onnx_run(
    nodes: Sequence[tuple[str, Sequence[Array], dict[str, Any]]],
    outputs: int = 1,
    opset: int = 18,
    domain: str = "",
    ml: int = 3,
) -> list[Array]:
    """The results of the only node in `nodes`, of any domain."""
    ((op, inputs, attrs),) = nodes
    names = [f"x{i}" for i in range(len(inputs))]
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, names, results, domain=domain, **attrs)
    graph = helper.make_graph(
        [node],
        "one",
        [_info(name, array) for name, array in zip(names, inputs, strict=True)],
        [onnx.ValueInfoProto(name=name) for name in results],
    )
    return run_graph(graph, dict(zip(names, inputs, strict=True)), opset, ml)


def _info(name: str, array: Array) -> onnx.ValueInfoProto:
    element = helper.np_dtype_to_tensor_dtype(array.dtype)
    return helper.make_tensor_value_info(name, element, array.shape)


def run_graph(
    graph: onnx.GraphProto, inputs: dict[str, Array], opset: int = 18, ml: int = 3
) -> list[Array]:
    """The results of a graph, in one thread without optimisation."""
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", ml)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return [np.asarray(y) for y in session.run(None, inputs)]
