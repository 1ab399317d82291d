"""Reading graphs: what is wrong is named with its line, and nothing else is ever raised."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import DType, Symbol, TensorType, parse_graph, parse_module
from edgewright.graph.parse import parse_size
from tests.graph.strategies import modules

GOOD = """\
module requantization="float"
dim h: 2..8
state %s: int8[2] = [1, 2]
graph main(%x: float32[1,h,4]) -> (%y) {
  const %w: float32[4] = [1.0, 2.0, 3.0, 4.0]
  %y: float32[1,h,4] = add(%x, %w) {clamp=none}
}
"""


def error_of(text: str) -> InvalidGraph:
    with pytest.raises(InvalidGraph) as caught:
        parse_module(text)
    return caught.value


#: what is replaced by what, the message, the line
BROKEN = [
    ('requantization="float"', 'requantization="exact"', "requantization is 'exact'", 1),
    ("module ", "modul ", "expected 'module', found 'modul'", 1),
    ("2..8", "two..8", "expected a whole number, found 'two'", 2),
    ("2..8", "2..8\ndim h: 1..2", "dim h is defined twice", 3),
    ("state %s: int8[2]", "state %s: int8[3]", "constant data: cannot reshape", 3),
    ("[1, 2]\n", "[1, 200]\n", "constant data:", 3),
    ("[1, 2]\n", "[1, 2\n", "unknown size 'graph'", 4),
    ("float32[1,h,4]) ->", "float33[1,h,4]) ->", "unknown element type 'float33'", 4),
    ("float32[1,h,4]) ->", "float32[1,n,4]) ->", "unknown size 'n'", 4),
    ("float32[1,h,4]) ->", "float32[1,h // 0,4]) ->", "divided by 0", 4),
    ("float32[1,h,4]) ->", "float32[1,1.5,4]) ->", "expected a whole number, found '1.5'", 4),
    ("float32[1,h,4]) ->", "int8[1,h,4]<0.5:0, 0.1:0>) ->", "several scales need an axis", 4),
    ("float32[1,h,4]) ->", "int8[1,h,4]<half:0>) ->", "expected a scale, found 'half'", 4),
    ("-> (%y)", "-> (%z)", "%z is not defined", 7),
    ("= [1.0, 2.0", "= sha256:" + "0" * 64 + " # [", "the data of constant 000000000000…", 5),
    ("const %w", "const %x", "%x is defined twice", 5),
    ("add(%x, %w)", "add(%x, %v)", "%v is not defined", 6),
    ("%y: float32[1,h,4] =", "%y =", "the type of %y is missing", 6),
    ("%y: float32[1,h,4] =", "%y: float32[1,h,4] @", "unexpected '@ add(%x, %w)", 6),
    ("{clamp=none}", "{clamp=}", "unknown size '}'", 6),
    ("{clamp=none}\n}\n", "{clamp=none", "the text ends too early", 6),
    ("  %y:", "\n\n  @y:", "unexpected '@y: float32", 8),
    ("}\n", "}\ngraph main() -> () {\n}\n", "graph main is defined twice", 9),
    ("{clamp=none}\n}\n", "}\n}\n}\n", "expected a graph, found '}'", 7),
]


@pytest.mark.parametrize(("old", "new", "what", "line"), BROKEN)
def test_errors_name_their_line(old: str, new: str, what: str, line: int) -> None:
    assert old in GOOD
    error = error_of(new.join(GOOD.rsplit(old, 1)))
    assert what in error.what
    assert error.where == f"graph text, line {line}"


def test_the_good_text_is_good() -> None:
    module = parse_module(GOOD)
    assert module.main.inputs[0].type.shape == (1, Symbol("h", 2, 8), 4)
    assert str(module) == GOOD


@given(modules(), st.data())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
def test_damaged_text_is_an_error_or_a_module(module: object, data: st.DataObject) -> None:
    """Cut, double or drop any part: never another exception."""
    text = str(module)
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    middle = data.draw(st.sampled_from(["", text[first:last] * 2, "0", ")", "%a", "-", "[", "inf"]))
    damaged = data.draw(st.sampled_from([text[:last], text[:first] + middle + text[last:]]))
    try:
        str(parse_module(damaged))
    except InvalidGraph as error:
        assert error.where is not None
        assert error.where.startswith("graph text, line ")


def test_types_are_inferred_when_asked_for() -> None:
    graph = parse_graph(
        """graph main(%x: float32[2,6]) -> (%c) {
          %a, %b = split(%x) {axis=1, sizes=[2, 4]}  # several at once
          %c = neg(%b)
        }""",
        infer=ops.infer,
    )
    assert graph.outputs[0].type == TensorType(DType.FLOAT32, (2, 4))
    assert [str(v) for v in graph.nodes[0].outputs] == ["%a", "%b"]


def test_the_number_of_results_must_fit() -> None:
    text = "graph main(%x: float32[2]) -> (%a) {\n %a, %b = neg(%x)\n}"
    with pytest.raises(InvalidGraph, match="neg has 1 results, not 2") as caught:
        parse_graph(text, infer=ops.infer)
    assert caught.value.where == "graph text, line 2"


@pytest.mark.parametrize(
    ("text", "value"),
    [("3*h+1", 13), ("h*h", 16), ("-h - -2", -2), ("2*(h - 1) // 4", 1), ("(-3)", -3), ("h -1", 3)],
)
def test_sizes_as_people_write_them(text: str, value: int) -> None:
    size = parse_size(text, {"h": Symbol("h", 1, 9)})
    assert (size if isinstance(size, int) else size.evaluate({"h": 4})) == value
