"""Inputs and outputs: channels last unless asked otherwise, under the user's names."""

from __future__ import annotations

import numpy as np
import pytest

from edgewright import ops
from edgewright.exporters.tflite import export
from edgewright.graph import Location, Module, parse_module
from edgewright.importers.tflite.reader import parse
from tests.exporters.tflite.harness import check_module, codes, floats

PYTORCH = """graph main(%image: float32[1,3,4,5]) -> (%scores, %map) {
  %a = transpose(%image) {perm=[0, 2, 3, 1]}
  %b = abs(%a)
  %map = transpose(%b) {perm=[0, 3, 1, 2]}
  %scores = reduce_mean(%b) {axes=[1, 2]}
}"""
FEEDS = {"image": floats(1, 3, 4, 5)}


def module(text: str) -> Module:
    return parse_module(f'module requantization="float"\n{text}', infer=ops.infer)


def test_images_come_and_go_channels_last() -> None:
    made = check_module(module(PYTORCH), FEEDS)
    assert codes(parse(made.data, "x")) == ["ABS", "MEAN"]
    assert made.layouts == {"image": (0, 2, 3, 1), "map": (0, 2, 3, 1)}
    assert (made.inputs, made.outputs) == (("image",), ("scores", "map"))


def test_a_transpose_that_a_tflite_file_has_itself_stays() -> None:
    given = module(PYTORCH)
    for node in given.main.nodes:
        node.origin = Location("model.tflite", "TRANSPOSE")
    assert check_module(given, FEEDS).layouts == {}


def test_channels_of_places_come_last_behind_an_image_only() -> None:
    text = """graph main(%x: float32[1,3,4,5]) -> (%z) {
      %a = transpose(%x) {perm=[0, 2, 3, 1]}
      %b = reshape(%a) {shape=[1, 20, 3]}
      %z = transpose(%b) {perm=[0, 2, 1]}
    }"""
    made = check_module(module(text), {"x": floats(1, 3, 4, 5)})
    assert made.layouts == {"x": (0, 2, 3, 1), "z": (0, 2, 1)}
    assert made.notes == ("channels come last, unlike in the source, in x, z",)
    text = "graph main(%x: float32[1,3,4]) -> (%z) { %z = transpose(%x) {perm=[0, 2, 1]} }"
    assert check_module(module(text), {"x": floats(1, 3, 4)}).layouts == {}


def test_channels_first_keeps_a_transpose_at_each_end() -> None:
    made = check_module(module(PYTORCH), FEEDS, channels_first=True)
    assert sorted(codes(parse(made.data, "x"))) == ["ABS", "MEAN", "TRANSPOSE", "TRANSPOSE"]
    assert made.layouts == {}


def test_a_reshape_with_one_channel_is_such_a_transpose_too() -> None:
    text = """graph main(%x: float32[1,1,4,5]) -> (%z) {
      %a = reshape(%x) {shape=[1, 4, 5, 1]}
      %b = abs(%a)
      %z = reshape(%b) {shape=[1, 1, 4, 5]}
    }"""
    made = check_module(module(text), {"x": floats(1, 1, 4, 5)})
    assert codes(parse(made.data, "x")) == ["ABS"]
    assert made.layouts == {"x": (0, 2, 3, 1), "z": (0, 2, 3, 1)}


@pytest.mark.parametrize(
    "body",
    [
        "%a = transpose(%x) {perm=[0, 2, 3, 1]} %b = abs(%x) %y = abs(%a)",
        "%a = transpose(%x) {perm=[1, 2, 3, 0]} %b = abs(%x) %y = abs(%a)",
    ],
    ids=["another reader", "another order"],
)
def test_other_transposes_stay(body: str) -> None:
    text = f"graph main(%x: float32[2,3,4,5]) -> (%y, %b) {{ {body} }}"
    made = check_module(module(text), {"x": floats(2, 3, 4, 5)})
    assert made.layouts == {}


def test_an_output_that_is_an_input_a_constant_or_another_output_is_a_copy() -> None:
    text = """graph main(%x: float32[2]) -> (%x, %y, %y, %c) {
      const %c: float32[2] = [1.0, 2.0]
      %y = abs(%x)
    }"""
    made = export(module(text))
    assert made.outputs == ("x.1", "y", "y.1", "c.1")
    (signature,) = parse(made.data, "x").signatures
    assert list(signature.outputs) == ["x", "y", "y.1", "c"]


def test_the_signature_and_the_names_are_the_users() -> None:
    made = export(module(PYTORCH))
    (signature,) = parse(made.data, "x").signatures
    assert signature.key == "serving_default"
    assert (list(signature.inputs), list(signature.outputs)) == (["image"], ["scores", "map"])
    assert made.names == {name: name for name in ("image", "scores", "map")}


def test_a_run_time_batch_is_in_the_shape_signature() -> None:
    text = (
        "graph main(%x: float32[n,4]) -> (%y) { %a = reshape(%x) {shape=[n, 2, 2]} %y = abs(%a) }"
    )
    made = check_module(module("dim n: 1..8\n" + text), {"x": floats(3, 4)})
    tensors = parse(made.data, "x").subgraphs[0].tensors
    assert tensors[0].shape_signature == (-1, 4)


def test_entry_points_have_signatures_of_their_own() -> None:
    text = """graph main(%x: float32[2]) -> (%y) { %y = abs(%x) }
graph other(%x: float32[2]) -> (%y) { %y = neg(%x) }"""
    model = parse(export(module(text)).data, "x")
    assert [s.key for s in model.signatures] == ["serving_default", "other"]
    assert np.all([len(g.operators) == 1 for g in model.subgraphs])
