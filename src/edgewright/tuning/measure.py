"""Time every layer of a net in several builds of it, in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright.bench import profile
from edgewright.graph import Node
from edgewright.ops.block import BlockNode

Array = npt.NDArray[Any]
Times = npt.NDArray[np.float64]

#: How often the builds take turns, and how long each turn is. A turn's first run warms the caches
#: and is not counted; a layer's time in a turn is the shortest of the others.
ROUNDS = 15
FEWEST_ROUNDS = 5
TURN_S = 0.02
RUNS = 3
MOST_RUNS = 200
#: What all turns together may take; rounds are left out, down to FEWEST_ROUNDS.
LIMIT_S = 60.0


@dataclass
class Build:
    """A loaded build of instrumented code.

    Attributes:
        call: runs it once, which fills `marks`.
        marks: ticks before the first node and after each, [nodes + 1].
        places: where in the run order each layer's nodes are, by the layer's key: for each node
            one place, or those of its members where a block's are run one by one.
    """

    call: Callable[[], Any]
    marks: profile.Marks
    places: Mapping[str, Sequence[Sequence[int]]]


@dataclass(frozen=True)
class Measured:
    """Times in microseconds.

    Attributes:
        layers: of each layer by its key, the mean of its nodes, [builds, rounds].
        whole: of all nodes together, [builds, rounds]. Other programs of the machine interrupt
            whole runs too often for their own times to tell a per cent.
    """

    layers: Mapping[str, Times]
    whole: Times

    def mean(self, different: int) -> Measured:
        """The mean over copies, where `different` builds were followed by the same ones again."""
        layers = {key: _mean(times, different) for key, times in self.layers.items()}
        return Measured(layers, _mean(self.whole, different))


def _mean(times: Times, different: int) -> Times:
    """[copies * different, rounds] as [different, rounds]."""
    mean: Times = times.reshape(-1, different, times.shape[1]).mean(axis=0)
    return mean


def measure(builds: Sequence[Build], progress: Callable[[int, int, float], None]) -> Measured:
    """Run the builds in turns.

    Args:
        builds: of one net; layers that not all of them have are left out.
        progress: called after each round with its number, how many there are, and the largest
            gain of any layer so far over the first build.
    """
    ticks = profile.ticks_per_us(builds[0].call, builds[0].marks)
    runs = [_runs(build) for build in builds]
    rounds = _rounds(builds, runs)
    keys = [key for key in builds[0].places if all(key in build.places for build in builds)]
    layers = {key: np.empty((len(builds), rounds)) for key in keys}
    whole = np.empty((len(builds), rounds))
    for turn in range(rounds):
        for index, build in enumerate(builds):
            spans = _turn(build, runs[index])
            whole[index, turn] = spans.sum()
            for key in keys:
                held = build.places[key]
                layers[key][index, turn] = sum(spans[list(p)].sum() for p in held) / len(held)
        progress(turn + 1, rounds, _best_gain(layers, turn + 1))
    return Measured({key: times / ticks for key, times in layers.items()}, whole / ticks)


def _best_gain(layers: Mapping[str, Times], rounds: int) -> float:
    """The largest ratio of medians over `rounds` rounds of the first build and another."""
    middles = (np.median(times[:, :rounds], axis=1) for times in layers.values())
    return max((float(middle[0] / middle.min()) for middle in middles), default=1.0)


def _turn(build: Build, runs: int) -> Times:
    """The shortest time of each node, in ticks."""
    build.call()
    spans = np.full(len(build.marks) - 1, np.inf)
    for _ in range(runs):
        build.call()
        spans = np.minimum(spans, np.diff(build.marks.astype(np.int64)))
    return spans


def _runs(build: Build) -> int:
    """Runs of a turn."""
    build.call()
    start = time.perf_counter()
    build.call()
    passed = max(1e-7, time.perf_counter() - start)
    return int(np.clip(TURN_S / passed, RUNS, MOST_RUNS))


def _rounds(builds: Sequence[Build], runs: Sequence[int]) -> int:
    """Rounds that fit into LIMIT_S."""
    start = time.perf_counter()
    for build in builds:
        build.call()
    each = sum(runs) / len(runs) + 1
    return int(np.clip(LIMIT_S / (each * (time.perf_counter() - start)), FEWEST_ROUNDS, ROUNDS))


def places(
    order: Sequence[Node], layers: Mapping[str, Sequence[Node]]
) -> dict[str, list[Sequence[int]]]:
    """Where in the run order each layer's nodes are.

    Layers that are only in regions, and members of a block, have no place of their own.
    """
    index: dict[Hashable, int] = {_identity(node): place for place, node in enumerate(order)}
    found = {key: [_place(n, index) for n in nodes] for key, nodes in layers.items()}
    return {key: kept for key, held in found.items() if (kept := [p for p in held if p])}


def _place(node: Node, index: Mapping[Hashable, int]) -> Sequence[int]:
    """The place of a node, those of the members of a block that runs one by one, or none."""
    if (place := index.get(_identity(node))) is not None:
        return [place]
    parts = [index.get(member) for member in node.chain] if isinstance(node, BlockNode) else []
    return [] if None in parts else [part for part in parts if part is not None]


def _identity(node: Node) -> Hashable:
    """What is the same in two plans."""
    return node.chain if isinstance(node, BlockNode) else node
