"""Times of layers from marks, with a clock of our own."""

from collections.abc import Callable

import numpy as np
import pytest

from edgewright.bench import profile
from edgewright.graph import DType, Node, TensorType, Value
from edgewright.ops.block import BlockNode
from edgewright.tuning import measure


def build(spans: tuple[int, ...], places: dict[str, list[list[int]]]) -> measure.Build:
    """A net whose nodes take so many ticks, and in every other run ten times as many."""
    marks = np.zeros(len(spans) + 1, np.uint64)
    runs = [0]

    def call() -> None:
        runs[0] += 1
        slower = 10 if runs[0] % 2 else 1
        marks[1:] = np.cumsum(spans) * slower

    return measure.Build(call, marks, places)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "ticks_per_us", lambda call, marks: 2.0)
    monkeypatch.setattr(measure, "TURN_S", 0.0)


def test_the_shortest_of_a_turn_and_the_mean_of_the_nodes() -> None:
    said: list[tuple[int, int, float]] = []

    def show(turn: int, rounds: int, best: float) -> None:
        said.append((turn, rounds, best))

    places = {"conv x": [[0], [2]], "conv y": [[1]]}
    found = measure.measure([build((10, 6, 20), places), build((4, 8, 10), places)], show)
    assert found.layers["conv x"][:, 0] == pytest.approx([7.5, 3.5])
    assert found.layers["conv y"].shape == (2, measure.ROUNDS)
    assert found.whole[:, -1] == pytest.approx([18, 11])
    assert said[-1][:2] == (measure.ROUNDS, measure.ROUNDS)
    assert said[-1][2] == pytest.approx(7.5 / 3.5)


def test_layers_that_a_build_lacks_are_left_out() -> None:
    held: list[Callable[[], None]] = []
    builds = [build((1, 2), {"a": [[0]], "b": [[1]]}), build((1, 2), {"a": [[0]]})]
    found = measure.measure(builds, lambda *_: held.clear())
    assert list(found.layers) == ["a"]


def test_nodes_in_regions_have_no_place() -> None:
    nodes = [Node("conv", [], []) for _ in range(3)]
    assert measure.places(nodes[:2], {"a": nodes[1:], "b": nodes[2:]}) == {"a": [[1]]}


def test_a_block_takes_the_time_of_its_members() -> None:
    """In the build in which they run one by one."""
    x = Value("x", TensorType(DType.FLOAT32, (1, 4, 4, 1)))
    chain = [Node("conv", [x], [Value("y", x.type)]) for _ in range(2)]
    block, other = BlockNode(chain, 1), Node("conv", [], [])
    layers: dict[str, list[Node]] = {"block": [BlockNode(chain, 2)], "conv": [chain[0]]}
    assert measure.places([other, block], layers) == {"block": [[1]]}
    assert measure.places([chain[0], other, chain[1]], layers) == {"block": [[0, 2]], "conv": [[0]]}
    found = measure.measure([build((10, 6, 20), {"block": [[0, 2]]})], lambda *_: None)
    assert found.layers["block"][:, 0] == pytest.approx([15])


def test_copies_are_averaged() -> None:
    taken = np.array([[1.0, 2.0], [10.0, 20.0], [3.0, 4.0], [30.0, 40.0]])
    found = measure.Measured({"a": taken}, taken + 1).mean(2)
    assert found.layers["a"].tolist() == [[2, 3], [20, 30]]
    assert found.whole.tolist() == [[3, 4], [21, 31]]
