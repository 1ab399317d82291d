"""Time by operator, from instrumented code."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright import ops
from edgewright.bench.ceilings import Ceilings
from edgewright.bench.statistics import Timing
from edgewright.graph import Node

WARM_UP_S = 0.1
Marks = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Row:
    """One operator.

    Attributes:
        index: place in the run order.
        op: its name in the IR.
        name: of its first output, as in the user's file where that has one.
        shape: of its first output.
        macs: multiply-accumulates of a run.
        bytes: inputs, outputs and constants, each counted once.
        is_int8: whether it multiplies 8-bit numbers.
        average_us: mean time.
        best_us: shortest time.
        bound_us: what the machine's ceilings allow at best; None where they are not known.
    """

    index: int
    op: str
    name: str
    shape: tuple[str, ...]
    macs: int
    bytes: int
    is_int8: bool
    average_us: float
    best_us: float
    bound_us: float | None

    @property
    def rate(self) -> float:
        """10^9 operations a second (a multiply-accumulate is two)."""
        return 2e-3 * self.macs / self.average_us if self.average_us > 0 else 0.0

    @property
    def roofline(self) -> float | None:
        """The share of what the machine could do: 1 is the best possible; None: not known."""
        if self.bound_us is None:
            return None
        return self.bound_us / self.average_us if self.average_us > 0 else 0.0


@dataclass(frozen=True)
class TypeRow:
    """All operators of one type together."""

    op: str
    count: int
    average_us: float
    macs: int


@dataclass(frozen=True)
class Profile:
    """Where the time goes; `total` is that of whole runs, marks included.

    Ceilings are known of this machine only, not of a device.
    """

    rows: tuple[Row, ...]
    total: Timing
    ceilings: Ceilings | None

    @property
    def by_type(self) -> list[TypeRow]:
        """The operators by type, the most expensive first."""
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            groups[row.op].append(row)
        made = [
            TypeRow(op, len(rows), sum(r.average_us for r in rows), sum(r.macs for r in rows))
            for op, rows in groups.items()
        ]
        return sorted(made, key=lambda row: -row.average_us)

    @property
    def by_time(self) -> list[Row]:
        """The operators, the most expensive first."""
        return sorted(self.rows, key=lambda row: -row.average_us)

    @property
    def operators_us(self) -> float:
        """The average of all operators together."""
        return sum(row.average_us for row in self.rows)


def take(call: Callable[[], Any], marks: Marks, seconds: float) -> tuple[Marks, list[float]]:
    """Run for so many seconds after a warm-up.

    Args:
        call: one run, which fills `marks`.
        marks: ticks before the first node and after each, [nodes + 1].
        seconds: how long to measure.

    Returns:
        The marks of every run, [runs, nodes + 1], and its whole time in microseconds.
    """
    end = time.perf_counter() + WARM_UP_S
    while time.perf_counter() < end:
        call()
    taken: list[Marks] = []
    wholes: list[float] = []
    end = time.perf_counter() + seconds
    while not taken or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        wholes.append(1e6 * (time.perf_counter() - start))
        taken.append(marks.copy())
    return np.stack(taken), wholes


def ticks_per_us(call: Callable[[], Any], marks: Marks, seconds: float = 0.1) -> float:
    """How fast the counter behind the marks ticks, against the system's clock."""
    start = time.perf_counter()
    call()  # the first run of all may be far slower: only the starts of two runs are compared
    first = int(marks[0])
    while time.perf_counter() - start < seconds:
        pass
    end = time.perf_counter()
    call()
    return (int(marks[0]) - first) / (1e6 * (end - start))


def times_of(taken: Marks, ticks: float) -> list[tuple[float, float]]:
    """Average and best of each node from the marks of all runs, without its slowest percent."""
    spans = np.sort(np.diff(taken.astype(np.int64), axis=1) / ticks, axis=0)
    kept = spans[: max(1, int(0.99 * len(spans)))]
    return list(zip(kept.mean(axis=0).tolist(), kept[0].tolist(), strict=True))


def rows_of(
    nodes: Sequence[Node], times: Sequence[tuple[float, float]], ceilings: Ceilings | None
) -> tuple[Row, ...]:
    """One row per node from its average and best time in microseconds."""
    rows = []
    for index, (node, (average, best)) in enumerate(zip(nodes, times, strict=True)):
        macs, moved, is_int8 = ops.of(node).macs(node), _bytes(node), _is_int8(node)
        rows.append(
            Row(
                index=index,
                op=node.op,
                name=_name(node),
                shape=tuple(str(d) for d in node.outputs[0].type.shape) if node.outputs else (),
                macs=macs,
                bytes=moved,
                is_int8=is_int8,
                average_us=average,
                best_us=best,
                bound_us=ceilings.bound_us(macs, moved, is_int8) if ceilings else None,
            )
        )
    return tuple(rows)


def _bytes(node: Node) -> int:
    values = dict.fromkeys([*node.arguments, *node.outputs])
    return sum(value.type.max_bytes for value in values)


def _is_int8(node: Node) -> bool:
    first = next(iter(node.arguments), None)
    return first is not None and first.type.quant is not None and first.type.dtype.bits == 8


def _name(node: Node) -> str:
    name = node.origin.tensor or node.origin.node if node.origin else ""
    return (name or (node.outputs[0].name if node.outputs else node.op)).split(";", maxsplit=1)[0]
