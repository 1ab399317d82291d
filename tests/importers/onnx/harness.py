"""Import a model of a few nodes, run its meaning, and compare with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

from edgewright import ops
from edgewright.graph import Module, verify_module
from edgewright.importers.onnx.model import convert
from edgewright.importers.options import ImportOptions
from edgewright.ops.interpreter import Interpreter

Array = npt.NDArray[Any]
DOMAINS = ("com.microsoft", "ai.onnx.ml")
IR_VERSION = 10  # the newest that ONNX Runtime reads


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], **attrs: Any) -> onnx.NodeProto:
    """A node; `domain` is a keyword."""
    return helper.make_node(op, list(inputs), list(outputs), **attrs)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Array],
    outputs: Sequence[str],
    constants: Mapping[str, Array] | None = None,
    opset: int = 13,
    shapes: Mapping[str, Sequence[int | str]] | None = None,
) -> onnx.ModelProto:
    """A model whose inputs have the types of the given arrays."""
    infos = [
        helper.make_tensor_value_info(
            name,
            helper.np_dtype_to_tensor_dtype(array.dtype),
            (shapes or {}).get(name, array.shape),
        )
        for name, array in inputs.items()
    ]
    results = [helper.make_empty_tensor_value_info(name) for name in outputs]
    held = [numpy_helper.from_array(a, name) for name, a in (constants or {}).items()]
    graph = helper.make_graph(list(nodes), "test", infos, results, held)
    opsets = [helper.make_opsetid("", opset)]
    opsets += [helper.make_opsetid(d, 1) for d in DOMAINS if any(n.domain == d for n in nodes)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def imported(proto: onnx.ModelProto, options: ImportOptions | None = None) -> Module:
    """The module, verified; its text form is made, too, so that every attribute can be printed."""
    module = convert(proto, "test.onnx", options or ImportOptions())
    verify_module(module, ops.infer)
    assert str(module)
    return module


def oracle(proto: onnx.ModelProto, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """What ONNX Runtime answers, without optimisation."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(proto.SerializeToString(), options)
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(inputs)), strict=True))


def check(
    nodes: onnx.NodeProto | Sequence[onnx.NodeProto],
    inputs: Mapping[str, Array],
    constants: Mapping[str, Array] | None = None,
    opset: int = 13,
    tolerance: float = 1e-5,
) -> Module:
    """Compare an import with ONNX Runtime; `tolerance` is relative to the range of the answer.

    Outputs are the results that no node reads.
    """
    listed = [nodes] if isinstance(nodes, onnx.NodeProto) else list(nodes)
    read = {name for n in listed for name in n.input}
    outputs = [name for n in listed for name in n.output if name and name not in read]
    proto = model(listed, inputs, outputs, constants, opset)
    module = imported(proto)
    compare(Interpreter(module).run(inputs), oracle(proto, inputs), tolerance)
    return module


def compare(got: Mapping[str, Array], wanted: Mapping[str, Array], tolerance: float = 1e-5) -> None:
    """Same names, shapes and dtypes; floats within the tolerance, the rest exactly."""
    assert list(got) == list(wanted)
    for name, want in wanted.items():
        have = got[name]
        assert (have.shape, have.dtype) == (want.shape, want.dtype), name
        if want.dtype.kind != "f":
            np.testing.assert_array_equal(have, want, name)
            continue
        finite = want[np.isfinite(want)]
        reach = float(finite.max() - finite.min()) if finite.size else 0.0
        scale = max(reach, float(np.abs(finite).max(initial=0.0)), 1e-3)
        np.testing.assert_allclose(have, want, rtol=0, atol=tolerance * scale, err_msg=name)


def floats(*shape: int, seed: int = 0) -> Array:
    """Normally distributed float32 numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def integers(*shape: int, low: int = 0, high: int = 256, dtype: str = "uint8") -> Array:
    """Uniformly distributed integers in [low, high)."""
    return np.random.default_rng(1).integers(low, high, shape).astype(dtype)


def operators(module: Module) -> list[str]:
    """The names of the nodes of the main graph, in order, transposes and reshapes left out."""
    return [n.op for n in module.main.nodes if n.op not in ("transpose", "reshape")]
