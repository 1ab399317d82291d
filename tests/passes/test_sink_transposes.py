"""Where transposes stay, and what they leave right."""

import pytest

from edgewright import ops
from edgewright.graph import Module, Source, parse_graph
from edgewright.passes import run_pass
from edgewright.passes.sink_transposes import sink_transposes
from tests.passes.conftest import Apply

FIRST = "{perm=[0, 3, 1, 2]}"


@pytest.mark.parametrize(
    ("node", "why"),
    [
        ("add(%t, %b)", "%b is not transposed as %t is"),
        ("softmax(%t)", "needs the axes"),
        ("reshape(%t) {shape=[1, 60]}", "needs the axes"),
        ("max_pool(%t) {kernel=[2, 2]}", "needs the axes"),
        ("concat(%t, %b) {axis=1}", "%b is not transposed"),
    ],
)
def test_it_stays(apply: Apply, node: str, why: str) -> None:
    text = f"""(%x: float32[1,4,5,3], %b: float32[1,3,4,5]) -> (%z) {{
      %a = neg(%x) %t = transpose(%a) {FIRST} %z = {node}
    }}"""
    outcome = apply(sink_transposes, text)
    assert not outcome.changed
    assert why in outcome.why


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("concat(%t, %t) {axis=1}", {"axis": 3}),
        ("pad(%t) {pads=[[0, 0], [1, 2], [0, 0], [3, 0]]}",
         {"pads": ((0, 0), (0, 0), (3, 0), (1, 2))}),
        ("reduce_mean(%t) {axes=[2, 3], keepdims=false}", {"axes": (1, 2), "keepdims": False}),
        ("slice(%t) {begin=[0, 1, 2, 3], size=[1, 2, 1, 1], stride=[1, 1, 1, 1]}",
         {"begin": (0, 2, 3, 1), "size": (1, 1, 1, 2), "stride": (1, 1, 1, 1)}),
        ("reshape(%t) {shape=[1, 3, 2, 2, 5]}", {"shape": (1, 2, 2, 5, 3)}),
        ("argmax(%t) {axis=1, keepdims=true}", {"axis": 3, "keepdims": True}),
    ],
)  # fmt: skip
def test_attributes_follow_the_axes(apply: Apply, node: str, expected: dict[str, object]) -> None:
    text = f"(%x: float32[1,4,5,3]) -> (%z) {{ %t = transpose(%x) {FIRST} %z = {node} }}"
    moved = apply(sink_transposes, text).graph.nodes[0]
    assert {k: v for k, v in moved.attrs.items() if k in expected} == expected


def test_values_know_which_tensor_they_are() -> None:
    """After sinking, a value is the user's tensor in another order of axes."""
    text = f"""graph main(%x: float32[1,4,5,3]) -> (%z) {{
      %t = transpose(%x) {FIRST} %z = neg(%t)
    }}"""
    graph = parse_graph(text, infer=ops.infer)
    graph.nodes[1].output.source = Source("user's z")
    run_pass(sink_transposes, Module({"main": graph}))
    neg, transpose = graph.nodes
    assert neg.output.source == Source("user's z", (0, 2, 3, 1))
    assert transpose.output.source == Source("user's z")
    assert transpose.output.name == "z"


def test_each_result_of_a_split_is_transposed(apply: Apply) -> None:
    text = f"""(%x: float32[1,4,5,3]) -> (%b) {{
      %t = transpose(%x) {FIRST} %a, %b = split(%t) {{axis=1, sizes=[1, 2]}}
    }}"""
    outcome = apply(sink_transposes, text)
    assert outcome.ops == ["split", "transpose", "transpose"]


def test_a_quantisation_per_channel_follows_its_axis(apply: Apply) -> None:
    text = f"""(%x: int8[1,1,1,2]<axis=3 0.5:0, 0.25:0>) -> (%z) {{
      %t: int8[1,2,1,1]<axis=1 0.5:0, 0.25:0> = transpose(%x) {FIRST}
      %z = dequantize(%t)
    }}"""
    outcome = apply(sink_transposes, text)
    assert outcome.ops == ["dequantize", "transpose"]
