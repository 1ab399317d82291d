"""What decides between the ways while a model is tuned."""

from typing import Any

import pytest

from edgewright.errors import InvalidTuning
from edgewright.graph import Node
from edgewright.ops.choice import Layer, Way
from edgewright.tuning.choices import Named, Offer, Offered, variants, within

NODE = Node("conv", [], [])


def ways(*names: str) -> list[Way[str]]:
    return [Way(name, name.upper(), "because") for name in names]


def offer(shape: str, *names: str) -> Offer:
    return Offer(Layer("conv", shape), tuple(ways(*names)))


def picked(named: Named, held: Offer) -> Any:
    return named.pick(NODE, held.layer, held.ways).value


def test_what_was_asked_is_written_down() -> None:
    offered = Offered(Named({"conv x": "b"}))
    other = Node("conv", [], [])
    layer = Layer("conv", "x")
    assert [offered.pick(n, layer, ways("a", "b")).name for n in (NODE, other, NODE)] == ["b"] * 3
    (found,) = offered.offers.values()
    assert (found.key, found.names, found.nodes) == ("conv x", ("a", "b"), [NODE, other])


def test_each_variant_takes_the_next_way_where_there_is_one() -> None:
    long, short, known = offer("x", "a", "b", "c"), offer("y", "d", "e"), offer("z", "f", "g")
    made = variants([long, short], {"conv z": "g"})
    assert [picked(named, long) for named in made] == ["A", "B", "C"]
    assert [picked(named, short) for named in made] == ["D", "E", "D"]
    assert [picked(named, known) for named in made] == ["G"] * 3


def test_an_unknown_way_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidTuning, match="no way 'z' to compute conv x") as caught:
        picked(Named({"conv x": "z"}, "net.tune.json"), offer("x", "a", "b"))
    assert caught.value.where == "net.tune.json"
    assert "a, b" in (caught.value.help or "")


def test_the_largest_layers_are_tried_first() -> None:
    offers = [offer("x", "a", "b"), offer("y", "a", "b", "c"), offer("z", "a", "b")]
    weight = {"conv x": 5, "conv y": 9, "conv z": 7}
    assert [o.key for o in within(offers, 5, weight)] == ["conv y", "conv z"]
    assert [o.key for o in within(offers, 4, weight)] == ["conv y"]
    assert len(within(offers, 500, weight)) == 3
