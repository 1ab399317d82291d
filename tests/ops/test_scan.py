"""scan: ONNX Runtime's answer, both directions, swapped states, run-time lengths."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper
from tests.ops.harness import check_module
from tests.ops.onnx_node import run_graph

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import Module, parse_module, verify_module

TEXT = """
module requantization="float"
dim t: 1..6
graph main(%s0: float32[2], %s1: float32[2], %x: float32[t,2], %w: float32[t,2])
    -> (%s2, %s3, %y, %z) {
  %s2: float32[2], %s3: float32[2], %y: float32[t,2], %z: float32[t,2] = scan(%s0, %s1, %x, %w)
      {num_scan_inputs=2, scan_input_directions=[0, IN], scan_output_directions=[OUT, 0]}
    region body(%a: float32[2], %b: float32[2], %r: float32[2], %q: float32[2])
        -> (%b, %sum, %sum, %d) {
      %p: float32[2] = mul(%a, %r)
      %sum: float32[2] = add(%p, %q)
      %d: float32[2] = sub(%sum, %b)
    }
}
"""


def scan(reads: int, writes: int) -> Module:
    module = parse_module(
        TEXT.replace("IN", str(reads)).replace("OUT", str(writes)), infer=ops.infer
    )
    verify_module(module, ops.infer)
    return module


def sample(rng: np.random.Generator, length: int) -> dict[str, np.ndarray]:
    shapes = {"s0": (2,), "s1": (2,), "x": (length, 2), "w": (length, 2)}
    return {k: rng.standard_normal(shape, dtype=np.float32) for k, shape in shapes.items()}


def onnx_scan(inputs: dict[str, np.ndarray], reads: int, writes: int) -> list[np.ndarray]:
    def row(name: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2])

    body = helper.make_graph(
        [
            helper.make_node("Mul", ["a", "r"], ["p"]),
            helper.make_node("Add", ["p", "q"], ["sum"]),
            helper.make_node("Sub", ["sum", "b"], ["d"]),
            helper.make_node("Identity", ["b"], ["b_out"]),
            helper.make_node("Identity", ["sum"], ["sum_out"]),
        ],
        "body",
        [row(name) for name in ("a", "b", "r", "q")],
        [row(name) for name in ("b_out", "sum", "sum_out", "d")],
    )
    results = ["s2", "s3", "y", "z"]
    node = helper.make_node(
        "Scan", list(inputs), results, body=body, num_scan_inputs=2,
        scan_input_directions=[0, reads], scan_output_directions=[writes, 0],
    )  # fmt: skip
    graph = helper.make_graph(
        [node],
        "main",
        [helper.make_tensor_value_info(k, 1, v.shape) for k, v in inputs.items()],
        [helper.make_tensor_value_info(name, 1, None) for name in results],
    )
    return run_graph(graph, inputs)


@pytest.mark.parametrize(("reads", "writes"), [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_c_and_onnx_runtime(rng: np.random.Generator, reads: int, writes: int) -> None:
    samples = [sample(rng, length) for length in (1, 4, 6)]
    ours = check_module(scan(reads, writes), samples)
    for inputs, result in zip(samples, ours, strict=True):
        for y, theirs in zip(result.values(), onnx_scan(inputs, reads, writes), strict=True):
            np.testing.assert_allclose(y, theirs, rtol=1e-5, atol=1e-6)


def test_what_does_not_fit_is_an_error() -> None:
    text = TEXT.replace("IN", "0").replace("OUT", "0")
    with pytest.raises(InvalidGraph, match="directions for 2"):
        verify_module(
            parse_module(text.replace("[0, 0], scan_output", "[0], scan_output")), ops.infer
        )
    with pytest.raises(InvalidGraph, match="a row of"):
        verify_module(parse_module(text.replace("%r: float32[2]", "%r: float32[3]")), ops.infer)
