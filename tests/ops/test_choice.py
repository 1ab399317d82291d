"""The seam between operators that know several ways and what decides between them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.ops.harness import const, one_node

from edgewright import targets
from edgewright.codegen import generate
from edgewright.graph import DType, Graph, Node, Symbol, TensorType
from edgewright.ops.choice import DEFAULTS, Layer, Way, choose

HOST = targets.get("host")
WAYS = [Way("plain", 1, "it is short"), Way("clever", 2, "it is quick")]


class Last:
    """Takes the last way, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[Layer] = []

    def pick(self, node: Node, layer: Layer, ways: Sequence[Way[Any]]) -> Way[Any]:
        self.asked.append(layer)
        return ways[-1]


def node_of(shape: tuple[Any, ...], **attrs: Any) -> Node:
    graph = Graph("main")
    x = graph.add_input("x", TensorType(DType.FLOAT32, shape))
    return Node("conv", [x, None], [graph.value("y", x.type)], attrs)


def test_without_tuning_the_first_way_is_taken() -> None:
    assert HOST.choices is DEFAULTS
    assert choose(node_of((1, 4)), HOST, "conv_f32", WAYS) == 1


def test_a_layer_is_known_by_all_that_its_speed_depends_on() -> None:
    last = Last()
    target = replace(HOST, choices=last, chunks=2)
    node = node_of((1, 4), stride=(2, 1), inner=(0.123, 4))
    assert choose(node, target, "conv_f32", WAYS, ("stride", "pad")) == 2
    assert str(last.asked[0]) == "conv_f32 float32[1,4] none float32[1,4] stride=(2,1) threads=2"


def test_nothing_is_asked_where_there_is_one_way_or_a_run_time_size() -> None:
    last = Last()
    target = replace(HOST, choices=last)
    assert choose(node_of((1, 4)), target, "conv_f32", WAYS[:1]) == 1
    assert choose(node_of((Symbol("h", 1, 8), 4)), target, "conv_f32", WAYS) == 1
    assert not last.asked


@pytest.mark.parametrize("pixels", [7, 16])
def test_code_weights_and_scratch_follow_one_choice(pixels: int) -> None:
    """A 3x3 convolution, by Winograd's algorithm or directly: whatever is not the default."""
    random = np.random.default_rng(1)
    x = random.normal(size=(1, pixels, pixels, 32)).astype(np.float32)
    w = random.normal(size=(32, 3, 3, 32)).astype(np.float32)
    module, _ = one_node("conv", [x, const(w)], pad=((1, 1), (1, 1)))
    default = generate(module, HOST, "test")
    other = generate(module, replace(HOST, choices=Last()), "test")
    assert "ew_conv_winograd_f32(" in default.model_c
    assert "ew_conv_winograd_f32(" not in other.model_c
    assert other.sizes.arena < default.sizes.arena
    assert other.sizes.weights < default.sizes.weights
