"""loop: ONNX Runtime's answer, trip counts, conditions, swaps, and results that do not fit."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.backend.test.case.node import collect_testcases
from tests.importers.onnx.harness import imported
from tests.ops.harness import check_module
from tests.ops.onnx_node import run_graph

from edgewright import ops
from edgewright.errors import InvalidGraph, InvalidInput
from edgewright.graph import Module, parse_module, verify_module

# a, b = b, a + b while b < limit, and every b on the way
FIBONACCI = """
module requantization="float"
graph main(%n: int64[], %go: bool[], %limit: int64[1]) -> (%a2, %b2, %all) {
  const %one: int64[1] = [1]
  const %scalar: int64[] = [0]
  %a2: int64[1], %b2: int64[1], %all: int64[TRIPS,1] = loop(%n, %go, %one, %one) {trips=TRIPS}
    region body(%i: int64[], %c: bool[], %a: int64[1], %b: int64[1]) -> (%more, %b, %sum, %copy) {
      %sum: int64[1] = add(%a, %b)
      %copy: int64[1] = concat(%b) {axis=0}
      %less: bool[1] = less(%sum, %limit)
      %more: bool[] = reshape(%less) {shape=[]}
    }
}
"""

ROTATE = """
module requantization="float"
graph main(%n: int64[], %p: float32[3], %q: float32[3], %r: float32[3]) -> (%x, %y, %z) {
  const %yes: bool[] = [true]
  %x: float32[3], %y: float32[3], %z: float32[3] = loop(%n, none, %p, %q, %r)
    region body(%i: int64[], %c: bool[], %a: float32[3], %b: float32[3], %d: float32[3])
        -> (%c, %b, %d, %a) {
    }
}
"""


def fibonacci(trips: int) -> Module:
    module = parse_module(FIBONACCI.replace("TRIPS", str(trips)), infer=ops.infer)
    verify_module(module, ops.infer)
    return module


def sample(n: int, limit: int, go: bool = True) -> dict[str, np.ndarray]:
    return {"n": np.array(n), "go": np.array(go), "limit": np.array([limit])}


def test_a_trip_count_ends_it() -> None:
    (result,) = check_module(fibonacci(5), [sample(5, 1000)])
    assert result["all"].ravel().tolist() == [1, 2, 3, 5, 8]
    assert (result["a2"].item(), result["b2"].item()) == (8, 13)


def test_a_condition_ends_it() -> None:
    (result,) = check_module(fibonacci(4), [sample(100, 8)])
    assert result["all"].ravel().tolist() == [1, 2, 3, 5]


def test_no_iteration_gives_the_initial_values() -> None:
    samples = [sample(0, 10), sample(5, 10, go=False)]
    for result in check_module(fibonacci(0), samples):
        assert (result["a2"].item(), result["b2"].item()) == (1, 1)
        assert result["all"].shape == (0, 1)


@pytest.mark.parametrize("n", [4, 6])
def test_another_number_of_iterations_than_stated_is_an_error(n: int) -> None:
    from tests.ops.test_gather import _run_c

    with pytest.raises(InvalidInput, match=f"ran {n} times"):
        check_module(fibonacci(5), [sample(n, 1000)])
    with pytest.raises(InvalidInput):
        _run_c(fibonacci(5), sample(n, 1000))


def test_values_that_change_places_are_not_overwritten(rng: np.random.Generator) -> None:
    module = parse_module(ROTATE, infer=ops.infer)
    held = {name: rng.standard_normal(3, dtype=np.float32) for name in "pqr"}
    samples = [{"n": np.array(n), **held} for n in (0, 1, 2, 3, 7)]
    results = check_module(module, samples, tolerance=0.0)
    np.testing.assert_array_equal(results[1]["x"], held["q"])
    np.testing.assert_array_equal(results[2]["x"], held["r"])
    np.testing.assert_array_equal(results[3]["x"], held["p"])


def test_reference_is_onnx_runtimes() -> None:
    value = helper.make_tensor_value_info
    int64, flag = onnx.TensorProto.INT64, onnx.TensorProto.BOOL
    control = [value("i", int64, []), value("c", flag, []), value("more", flag, [])]
    body = helper.make_graph(
        [
            helper.make_node("Add", ["a", "b"], ["sum"]),
            helper.make_node("Identity", ["b"], ["a_out"]),
            helper.make_node("Identity", ["b"], ["copy"]),
            helper.make_node("Less", ["sum", "limit"], ["less"]),
            helper.make_node("Squeeze", ["less"], ["more"]),
        ],
        "body",
        [*control[:2], value("a", int64, [1]), value("b", int64, [1])],
        [control[2], *(value(name, int64, [1]) for name in ("a_out", "sum", "copy"))],
    )
    node = helper.make_node("Loop", ["n", "go", "one", "one"], ["a2", "b2", "all"], body=body)
    graph = helper.make_graph(
        [node],
        "main",
        [value("n", int64, []), value("go", flag, []), value("limit", int64, [1])],
        [value(name, int64, None) for name in ("a2", "b2", "all")],
        [helper.make_tensor("one", int64, [1], [1])],
    )
    theirs = run_graph(graph, sample(100, 40))
    (ours,) = check_module(fibonacci(len(theirs[2])), [sample(100, 40)])
    for name, array in zip(("a2", "b2", "all"), theirs, strict=True):
        np.testing.assert_array_equal(ours[name], array)


def test_what_cannot_be_planned_is_an_error() -> None:
    with pytest.raises(InvalidGraph, match="known ahead"):
        parse = parse_module(FIBONACCI.replace("{trips=TRIPS}", "").replace("TRIPS", "3"))
        verify_module(parse, ops.infer)
    with pytest.raises(InvalidGraph, match="never ends"):
        verify_module(parse_module(ROTATE.replace("loop(%n,", "loop(none,")), ops.infer)
    with pytest.raises(InvalidGraph, match="carries"):
        changed = ROTATE.replace("%p: float32[3]", "%p: float32[4]")
        verify_module(parse_module(changed), ops.infer)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the generators of other cases overflow on purpose
def test_the_onnx_packages_own_case_in_c() -> None:
    (case,) = [c for c in collect_testcases("Loop") if c.name == "test_loop11"]
    assert case.model is not None
    assert case.data_sets is not None
    module = imported(case.model)
    (inputs, outputs) = case.data_sets[0]
    held = {
        value.name: np.asarray(array, value.type.dtype.numpy)
        for value, array in zip(module.main.inputs, inputs, strict=True)
    }
    (result,) = check_module(module, [held], tolerance=0.0)
    for ours, theirs in zip(result.values(), outputs, strict=True):
        np.testing.assert_array_equal(ours, theirs)
