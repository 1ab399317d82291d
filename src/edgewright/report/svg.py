"""Charts as inline SVG: bars, a roofline, the arena over time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Bar:
    """One row of a bar chart: its name, its value, and what is printed after the bar."""

    name: str
    value: float
    note: str


def bars(rows: Sequence[Bar], width: int = 720, label: int = 230) -> str:
    """Horizontal bars, one under the other, all to the scale of the longest."""
    top = max((row.value for row in rows), default=0.0) or 1.0
    room = width - label - 150
    parts = []
    for i, row in enumerate(rows):
        y = 18 * i
        length = max(1.0, room * row.value / top)
        parts.append(
            f'<text x="0" y="{y + 12}">{escape(_short(row.name))}</text>'
            f'<rect x="{label}" y="{y + 2}" width="{length:.1f}" height="13" rx="2" '
            f'fill="var(--bar)"/><text class="soft" x="{label + length + 6:.1f}" y="{y + 12}">'
            f"{escape(row.note)}</text>"
        )
    return _svg(width, 18 * len(rows) + 4, parts)


@dataclass(frozen=True)
class Point:
    """One operator in a roofline: operations per byte, operations a second, its name."""

    intensity: float
    rate: float
    name: str


def roofline(points: Sequence[Point], peak: float, bandwidth: float, unit: str) -> str:
    """Operators under the roof that arithmetic and memory make; both axes are logarithmic.

    Args:
        points: operators; those without arithmetic have no place here.
        peak: operations a second.
        bandwidth: bytes a second.
        unit: what the operations are called.
    """
    width, height, left, bottom = 720, 330, 56, 34
    shown = [p for p in points if p.intensity > 0 and p.rate > 0]
    x_low, x_high = _decades([p.intensity for p in shown] + [peak / bandwidth])
    y_low, y_high = _decades([p.rate for p in shown] + [peak])

    def x(value: float) -> float:
        return left + (width - left - 8) * (math.log10(value) - x_low) / (x_high - x_low)

    def y(value: float) -> float:
        return (height - bottom) * (1 - (math.log10(value) - y_low) / (y_high - y_low)) + 4

    parts = _grid(x, y, (x_low, x_high), (y_low, y_high), (left, width, height - bottom))
    ridge = peak / bandwidth
    low = max(10.0**x_low, 10.0**y_low / bandwidth)
    parts.append(
        f'<polyline fill="none" stroke="var(--mark)" stroke-width="2" points="'
        f"{x(low):.1f},{y(low * bandwidth):.1f} {x(ridge):.1f},{y(peak):.1f} "
        f'{x(10.0**x_high):.1f},{y(peak):.1f}"/>'
    )
    parts += [
        f'<circle cx="{x(p.intensity):.1f}" cy="{y(p.rate):.1f}" r="4" fill="var(--bar)" '
        f'fill-opacity=".7"><title>{escape(p.name)}: {p.rate / 1e9:.1f} {escape(unit)}</title>'
        "</circle>"
        for p in shown
    ]
    parts.append(
        f'<text class="soft" x="{width / 2}" y="{height - 2}">operations per byte</text>'
        f'<text class="soft" x="{left}" y="12">{escape(unit)}</text>'
    )
    return _svg(width, height, parts)


@dataclass(frozen=True)
class Block:
    """One piece of memory: steps from start to end (both included), bytes from offset on."""

    name: str
    start: int
    end: int
    offset: int
    bytes: int
    pale: bool


def memory(blocks: Sequence[Block], steps: int, arena: int) -> str:
    """Who lives where in the arena, and when: time to the right, addresses upwards."""
    width, height, left = 720, 300, 8
    wide, tall = (width - left - 8) / max(1, steps), (height - 24) / max(1, arena)
    parts = []
    for i, block in enumerate(blocks):
        x, w = left + block.start * wide, (block.end - block.start + 1) * wide
        h = max(1.0, block.bytes * tall)
        y = height - 20 - (block.offset + block.bytes) * tall
        colour = "var(--line)" if block.pale else f"hsl({(i * 47) % 360} 55% 55%)"
        title = f"{block.name}: {block.bytes:,} bytes at {block.offset:,}"
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="{colour}" '
            f'stroke="var(--page)" stroke-width=".6"><title>{escape(title)}</title></rect>'
        )
    parts.append(
        f'<text class="soft" x="{left}" y="{height - 4}">operators in run order; the height is '
        f"{arena:,} bytes</text>"
    )
    return _svg(width, height, parts)


def _grid(
    x: object, y: object, xs: tuple[int, int], ys: tuple[int, int], box: tuple[int, int, int]
) -> list[str]:
    """A line and a label at each power of ten."""
    assert callable(x)
    assert callable(y)
    left, right, bottom = box
    parts = []
    for power in range(xs[0], xs[1] + 1):
        at = x(10.0**power)
        parts.append(
            f'<line class="axis" x1="{at:.1f}" y1="4" x2="{at:.1f}" y2="{bottom}"/>'
            f'<text class="soft" x="{at - 8:.1f}" y="{bottom + 14}">{_power(power)}</text>'
        )
    for power in range(ys[0], ys[1] + 1):
        at = y(10.0**power)
        parts.append(
            f'<line class="axis" x1="{left}" y1="{at:.1f}" x2="{right}" y2="{at:.1f}"/>'
            f'<text class="soft" x="2" y="{at + 4:.1f}">{_power(power - 9)}</text>'
        )
    return parts


def _power(power: int) -> str:
    return f"{10**power:,}" if 0 <= power < 7 else f"{10.0**power:g}"


def _decades(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten around the values."""
    logs = [math.log10(v) for v in values if v > 0]
    low, high = math.floor(min(logs)), math.ceil(max(logs))
    return (low, high) if high > low else (low, low + 1)


def _short(name: str, limit: int = 34) -> str:
    return name if len(name) <= limit else "…" + name[-limit + 1 :]


def _svg(width: int, height: int, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {width} {height}" role="img">{"".join(parts)}</svg>'
