"""Where a layer can be computed in several ways: how an operator offers them, and how one is taken.

An operator asks `choose` wherever the answer matters (its code, its weights, its scratch) and gets
the same one each time. Without tuning that is the first way, so the order of the ways is the table
of defaults, and each has its reason beside it; a tuning file (`tuning/`) names another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from edgewright.graph import Node
    from edgewright.ops.emit import Packing

T = TypeVar("T")


@dataclass(frozen=True)
class Way(Generic[T]):
    """One way to compute a layer.

    Attributes:
        name: what tuning files call it; two of one layer differ.
        value: what the operator makes of it.
        why: when it is the best.
    """

    name: str
    value: T
    why: str


@dataclass(frozen=True)
class Layer:
    """What is chosen for: `kernel` and `shape` hold all that the speed of the ways depends on."""

    kernel: str
    shape: str

    def __str__(self) -> str:
        return f"{self.kernel} {self.shape}"


class Choices(Protocol):
    """What decides between the ways."""

    def pick(self, node: Node, layer: Layer, ways: Sequence[Way[T]]) -> Way[T]:
        """One of the ways, always the same one for a layer."""


class Defaults:
    """Nothing was tuned: the first way of each layer."""

    def pick(self, node: Node, layer: Layer, ways: Sequence[Way[T]]) -> Way[T]:
        """The first."""
        return ways[0]


DEFAULTS = Defaults()


def choose(
    node: Node, target: Packing, kernel: str, ways: Sequence[Way[T]], attributes: Sequence[str] = ()
) -> T:
    """The value of the way that a layer is computed in.

    Layers with a size that is chosen at run time are not tuned: they take the first way.

    Args:
        node: the layer.
        target: whose `choices` decide.
        kernel: what all ways compute, such as "conv_f32".
        ways: the default first.
        attributes: those of the node that the speed depends on; never trained numbers.
    """
    values = [*(v for v in node.inputs if v), *node.outputs]
    if len(ways) == 1 or not all(v.type.is_static for v in values):
        return ways[0].value
    layer = Layer(kernel, _shape(node, target, attributes))
    return target.choices.pick(node, layer, ways).value


def _shape(node: Node, target: Packing, attributes: Sequence[str]) -> str:
    """Types and sizes of all operands, the attributes, and the number of threads."""
    operands = [
        f"{v.type.dtype.value}[{','.join(map(str, v.type.shape))}]" if v else "none"
        for v in (*node.inputs, *node.outputs)
    ]
    given = [f"{name}={_plain(node.attrs[name])}" for name in attributes if name in node.attrs]
    return " ".join([*operands, *given, f"threads={target.chunks}"])


def _plain(value: object) -> str:
    return str(value).replace(" ", "")
