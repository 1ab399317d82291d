import numpy as np
import pytest

from edgewright import ops
from edgewright.errors import EdgewrightError, InvalidOption
from edgewright.graph import Module, parse_module, verify_module
from edgewright.importers.tie_states import tie_states
from edgewright.ops.interpreter import Interpreter

COUNTER = """
module requantization="float"
graph main(%x: float32[2], %before: float32[2]) -> (%y, %after) {
  %after: float32[2] = add(%x, %before)
  %y: float32[2] = neg(%after)
}
"""


def module(text: str = COUNTER) -> Module:
    return parse_module(text, infer=ops.infer)


def test_the_pair_leaves_the_interface() -> None:
    made = module()
    tie_states(made, {"before": "after"})
    verify_module(made, ops.infer)
    assert [v.name for v in made.main.inputs] == ["x"]
    assert [v.name for v in made.main.outputs] == ["y"]
    assert [n.op for n in made.main.nodes] == ["read_state", "add", "neg", "write_state"]


def test_the_state_starts_at_zero_and_is_kept() -> None:
    made = module()
    tie_states(made, {"before": "after"})
    steps, x = Interpreter(made), np.array([1, 2], np.float32)
    answers = [steps.run({"x": x})["y"].tolist() for _ in range(3)]
    assert answers == [[-1, -2], [-2, -4], [-3, -6]]
    steps.reset()
    assert steps.run({"x": x})["y"].tolist() == [-1, -2]


def test_a_quantised_state_starts_at_its_zero_point() -> None:
    made = module(
        'module requantization="float"\n'
        "graph main(%x: uint8[2]<0.5:7>, %h: uint8[2]<0.5:7>) -> (%y) {\n"
        "  %y: uint8[2]<0.5:7> = maximum(%x, %h)\n}"
    )
    tie_states(made, {"h": "y"})
    assert made.states["h"].init.tolist() == [7, 7]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [({"nothing": "after"}, "no input 'nothing'"), ({"before": "nothing"}, "no output 'nothing'")],
)
def test_names_that_do_not_exist(pairs: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        tie_states(module(), pairs)


def test_types_that_differ() -> None:
    text = COUNTER.replace("%y: float32[2] = neg(%after)", "%y: bool[2] = less(%x, %after)")
    with pytest.raises(InvalidOption, match="tied to it"):
        tie_states(module(text), {"before": "y"})


def test_a_state_of_run_time_size() -> None:
    text = COUNTER.replace("[2]", "[n]").replace('"float"', '"float"\ndim n: 1..4')
    with pytest.raises(EdgewrightError, match="run-time sizes"):
        tie_states(module(text), {"before": "after"})
