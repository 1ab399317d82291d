"""Arena offsets: where each buffer goes so that buffers alive together do not overlap."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SMALL_BYTES = 1024
TINY_BYTES = 64
SEARCH_ROUNDS = 200


@dataclass(frozen=True)
class Request:
    """Memory needed from time `start` to `end`, both included, for elements of `item` bytes."""

    bytes: int
    start: int
    end: int
    item: int = 8


def alignment(request: Request) -> int:
    """Cache lines for what vector loops stream over; what C needs for the smallest things."""
    if request.bytes >= SMALL_BYTES:
        return 64
    return 16 if request.bytes > TINY_BYTES else request.item


def place(requests: Sequence[Request], bound: int) -> tuple[list[int], int]:
    """Offsets and the bytes of the arena.

    First fit in several orders, then a seeded search that moves buffers to the front of the best
    order, until the bound is met or the rounds are over.
    """
    best: tuple[int, list[int], list[int]] | None = None
    for key in _ORDERS:
        order = sorted(range(len(requests)), key=lambda i: (*key(requests[i]), i))
        best = _better(best, requests, order)
    if best is None:
        return [], 0
    generator = random.Random(0)  # a fixed seed, so that the result is reproducible
    for _ in range(SEARCH_ROUNDS if len(requests) > 2 else 0):
        if best[0] <= bound:
            break
        order = list(best[2])
        order.insert(0, order.pop(generator.randrange(len(order))))
        best = _better(best, requests, order)
    return best[1], best[0]


_ORDERS: tuple[Callable[[Request], tuple[int, ...]], ...] = (
    lambda r: (-r.bytes, r.start),
    lambda r: (-r.bytes * (r.end - r.start + 1), r.start),
    lambda r: (r.start, -r.bytes),
    lambda r: (-(r.end - r.start), -r.bytes),
)


def _better(
    best: tuple[int, list[int], list[int]] | None, requests: Sequence[Request], order: list[int]
) -> tuple[int, list[int], list[int]]:
    offsets, total = _first_fit(requests, order)
    if best is None or total < best[0]:
        return total, offsets, order
    return best


def _first_fit(requests: Sequence[Request], order: Sequence[int]) -> tuple[list[int], int]:
    offsets = [0] * len(requests)
    placed: list[int] = []
    total = 0
    for index in order:
        request = requests[index]
        taken = sorted(
            (offsets[i], offsets[i] + requests[i].bytes)
            for i in placed
            if requests[i].start <= request.end and request.start <= requests[i].end
        )
        offsets[index] = _gap(taken, request)
        placed.append(index)
        total = max(total, offsets[index] + request.bytes)
    return offsets, total


def _gap(taken: Sequence[tuple[int, int]], request: Request) -> int:
    step = alignment(request)
    offset = 0
    for start, end in taken:
        if offset + request.bytes <= start:
            break
        offset = max(offset, -(-end // step) * step)
    return offset
