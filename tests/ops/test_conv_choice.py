"""Every way to compute a convolution gives the reference's result."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.ops import harness
from tests.ops.harness import check_ops, const, one_node, quantised

from edgewright import targets
from edgewright.graph import DType, Node, Quant, TensorType
from edgewright.ops import conv_choice
from edgewright.ops.choice import Layer, Way
from edgewright.ops.conv import Conv
from edgewright.ops.depthwise_conv import DepthwiseConv
from edgewright.tuning.choices import Offered

HOST = targets.get("host")
SAME = ((1, 1), (1, 1))


class Each:
    """The first layer takes its first way, the next one its second, and so on."""

    def __init__(self) -> None:
        self.taken: dict[Node, str] = {}

    def pick(self, node: Node, layer: Layer, ways: Sequence[Way[Any]]) -> Way[Any]:
        count = len(self.taken)
        name = self.taken.setdefault(node, ways[count % len(ways)].name)
        return next(way for way in ways if way.name == name)


def ways_of(
    case: tuple[str, list[Any], dict[str, Any]], threads: int = 1, small: bool = False
) -> list[str]:
    """The names of the ways of one node."""
    op, operands, given = case
    attrs = {k: v for k, v in given.items() if k != "outputs"}
    module, _ = one_node(op, operands, given.get("outputs"), **attrs)
    offered = Offered()
    (node,) = module.main.nodes
    target = replace(HOST, choices=offered, chunks=threads, small=small)
    if op == "conv":
        conv_choice.form(node, Conv(**attrs), target)
    else:
        conv_choice.depthwise_form(node, DepthwiseConv(**attrs), target)
    return [name for offer in offered.offers.values() for name in offer.names]


def float_case(rng: np.random.Generator) -> tuple[str, list[Any], dict[str, Any]]:
    x = rng.standard_normal((1, 27, 26, 32)).astype(np.float32)
    w = rng.standard_normal((48, 3, 3, 32)).astype(np.float32)
    return "conv", [x, const(w)], {"pad": SAME}


def int8_case(rng: np.random.Generator) -> tuple[str, list[Any], dict[str, Any]]:
    x = quantised(rng.integers(-128, 128, (1, 27, 26, 33)).astype(np.int8), 0.1, 3)
    w = const(rng.integers(-127, 128, (80, 1, 1, 33)).astype(np.int8), Quant.per_tensor(0.02, 0))
    out = TensorType(DType.INT8, (1, 27, 26, 80), Quant.per_tensor(4.0, -5))
    return "conv", [x, w], {"outputs": [out]}


def depthwise_case(rng: np.random.Generator) -> tuple[str, list[Any], dict[str, Any]]:
    x = rng.standard_normal((1, 23, 19, 40)).astype(np.float32)
    w = rng.standard_normal((5, 5, 40)).astype(np.float32)
    return "depthwise_conv", [x, const(w)], {"pad": ((2, 2), (2, 2)), "stride": (2, 2)}


def depthwise_int8_case(rng: np.random.Generator) -> tuple[str, list[Any], dict[str, Any]]:
    x = quantised(rng.integers(-128, 128, (1, 9, 11, 40)).astype(np.int8), 0.1, 3)
    w = const(rng.integers(-127, 128, (3, 3, 40)).astype(np.int8), Quant.per_tensor(0.02, 0))
    out = TensorType(DType.INT8, (1, 9, 11, 40), Quant.per_tensor(4.0, -5))
    return "depthwise_conv", [x, w], {"outputs": [out], "pad": SAME}


@pytest.mark.parametrize(
    ("make", "threads"),
    [(float_case, 3), (int8_case, 3), (depthwise_case, 1), (depthwise_int8_case, 1)],
)
def test_every_way_is_right(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, make: Any, threads: int
) -> None:
    each = Each()
    (target,) = targets.with_threads([replace(HOST, choices=each)], threads)
    monkeypatch.setattr(harness, "_target", lambda _: target)
    names = ways_of(make(rng), threads)
    check_ops([make(rng) for _ in names])
    assert sorted(each.taken.values()) == sorted(names)


def test_the_ways_of_a_layer(rng: np.random.Generator) -> None:
    names = ways_of(float_case(rng))
    assert names[0] == "winograd"
    assert {"winograd block=24", "direct", "direct block=1", "direct block=504"} <= set(names)
    assert {"direct block=16777216", "direct tile=8"} <= set(names)
    assert ways_of(int8_case(rng))[0] == "direct"
    assert ways_of(depthwise_int8_case(rng)) == ["tiles", "taps"]
    pixels = [f"tiles pixels={n}" for n in (4, 5, 6, 7)]
    assert ways_of(depthwise_case(rng)) == ["tiles", *pixels, "taps"]


def test_where_size_goes_before_speed_weights_are_not_expanded(rng: np.random.Generator) -> None:
    names = ways_of(float_case(rng), small=True)
    assert names[0] == "direct"
    assert names == [n for n in ways_of(float_case(rng)) if not n.startswith("winograd")]


def test_threads_share_rows_or_columns(rng: np.random.Generator) -> None:
    for stem in ("winograd", "direct"):
        names = {f"{stem} share=columns", f"{stem} share=rows"}
        assert names <= set(ways_of(float_case(rng), 3))
        assert not names & set(ways_of(float_case(rng), 1))


def test_one_tile_of_rows_has_one_way(rng: np.random.Generator) -> None:
    x = rng.standard_normal((1, 4, 4, 8)).astype(np.float32)
    w = rng.standard_normal((8, 1, 1, 8)).astype(np.float32)
    assert ways_of(("conv", [x, const(w)], {})) == []
