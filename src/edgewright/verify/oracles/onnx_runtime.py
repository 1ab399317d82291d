"""ONNX Runtime without optimisation, one thread."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgewright.verify.oracles.protocol import Array, Tensors


def run(kind: str, model: bytes, runs: list[Tensors], intermediates: bool) -> list[Tensors]:
    """Run each dict of inputs; nothing is kept between them but what the caller feeds back."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    content = _with_all_outputs(model) if intermediates else model
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return [
        {name: _array(value) for name, value in zip(names, session.run(names, x), strict=True)}
        for x in runs
    ]


def _with_all_outputs(model: bytes) -> bytes:
    """Make every value of the main graph an output; ONNX Runtime infers their types itself."""
    import onnx

    proto = onnx.load_from_string(model)
    known = {value.name for value in proto.graph.output}
    for node in proto.graph.node:
        for name in node.output:
            if name and name not in known:
                known.add(name)
                proto.graph.output.append(onnx.ValueInfoProto(name=name))
    return bytes(proto.SerializeToString())


def _array(value: Any) -> Array:
    """Return plain arrays: strings as fixed-width text, ZipMap's dicts as their values in order."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return np.array([list(row.values()) for row in value])
    array = np.asarray(value)
    return array.astype(str) if array.dtype == object else array
