"""Every node without a kernel is named, with its place in the file, before anything is built."""

import textwrap

import pytest

from edgewright import ops, targets
from edgewright.codegen import generate
from edgewright.errors import Problems, UnsupportedModel
from edgewright.graph import Location, Module, parse_module


def module(text: str) -> Module:
    made = parse_module(textwrap.dedent(text).strip(), infer=ops.infer)
    for index, node in enumerate(made.main.nodes):
        node.origin = Location("m.onnx", node.op, f"n{index}", node.output.name, index)
    return made


def test_all_of_them_are_named_with_their_places() -> None:
    made = module(
        """
        module requantization=float
        graph main(%a: float64[2,3], %b: float64[3,2], %c: float16[4]) -> (%y, %z) {
          %y = matmul(%a, %b)
          %z = elu(%c)
        }
        """
    )
    with pytest.raises(Problems) as caught:
        generate(made, targets.get("host"), "m")
    assert [error.code for error in caught.value.errors] == ["unsupported-model"] * 2
    wheres = [str(error.where) for error in caught.value.errors]
    assert ["n0" in wheres[0], "n1" in wheres[1]] == [True, True]


def test_weights_that_are_computed_at_run_time() -> None:
    made = module(
        """
        module requantization=float
        graph main(%x: float32[1,4], %w: float32[3,4]) -> (%y) {
          %y = fully_connected(%x, %w)
        }
        """
    )
    with pytest.raises(UnsupportedModel, match="computed at run time") as caught:
        generate(made, targets.get("host"), "m")
    assert "n0" in str(caught.value.where)
