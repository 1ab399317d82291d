"""What stands behind `Target.choices` while a model is tuned, and when it is built from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from edgewright.errors import InvalidTuning
from edgewright.graph import Node
from edgewright.ops.choice import DEFAULTS, Choices, Layer, Way

T = TypeVar("T")


@dataclass
class Offer:
    """The ways in which the layers of one kernel and shape can be computed, the default first."""

    layer: Layer
    ways: tuple[Way[Any], ...]
    nodes: list[Node] = field(default_factory=list)

    @property
    def key(self) -> str:
        """What the layer is called in tuning files."""
        return str(self.layer)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the ways."""
        return tuple(way.name for way in self.ways)


@dataclass
class Offered:
    """Takes what another would, and writes down what there was to choose from.

    `offers` has them by the layer's key, in the order in which they were asked for.
    """

    base: Choices = DEFAULTS
    offers: dict[str, Offer] = field(default_factory=dict)

    def pick(self, node: Node, layer: Layer, ways: Sequence[Way[T]]) -> Way[T]:
        """What `base` picks."""
        offer = self.offers.setdefault(str(layer), Offer(layer, tuple(ways)))
        if node not in offer.nodes:
            offer.nodes.append(node)
        return self.base.pick(node, layer, ways)


@dataclass(frozen=True)
class Named:
    """Takes the ways that are named by a layer's key, and the first where none is.

    `source` is the file that names them, for the error.
    """

    names: Mapping[str, str]
    source: str = ""

    def pick(self, node: Node, layer: Layer, ways: Sequence[Way[T]]) -> Way[T]:
        """The named way. Raises InvalidTuning when the layer has no such way."""
        name = self.names.get(str(layer))
        if name is None:
            return ways[0]
        for way in ways:
            if way.name == name:
                return way
        known = ", ".join(way.name for way in ways)
        raise InvalidTuning(
            f"there is no way {name!r} to compute {layer}",
            where=self.source or None,
            help=f"this version knows: {known}; remove the layer from the file to tune it anew",
        )


def variants(offers: Sequence[Offer], held: Mapping[str, str]) -> list[Named]:
    """Names that put every layer into its first way, its second, …: as many as the most ways.

    Layers with fewer ways stay in their first; those of `held` in the way that it names.
    """
    count = max((len(offer.ways) for offer in offers), default=1)
    return [
        Named({**held, **{o.key: o.names[k] for o in offers if k < len(o.ways)}})
        for k in range(count)
    ]


def within(offers: Sequence[Offer], limit: int, weight: Mapping[str, int]) -> list[Offer]:
    """The offers that can be tried in `limit` trials; those of the least weight are left out."""
    kept: list[Offer] = []
    for offer in sorted(offers, key=lambda o: (-weight[o.key], o.key)):
        if len(offer.ways) <= limit:
            kept.append(offer)
            limit -= len(offer.ways)
    return kept
