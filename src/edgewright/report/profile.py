"""The sections of a profile: bars by operator, the roofline, the arena, the table."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.bench.memory_map import Piece
from edgewright.bench.profile import Profile, Row
from edgewright.report.page import Section, table
from edgewright.report.svg import Bar, Block, Point, bars, memory, roofline

#: operators in the bar chart; the table has all of them
MOST_BARS = 30


def sections(profile: Profile, pieces: Sequence[Piece], arena_bytes: int) -> list[Section]:
    """What the report says of a profile."""
    return [
        _bars(profile),
        *_rooflines(profile),
        _memory(profile, pieces, arena_bytes),
        _types(profile),
        _operators(profile),
    ]


def _bars(profile: Profile) -> Section:
    whole = profile.operators_us or 1.0
    rows = [
        Bar(
            f"{row.op} {row.name}",
            row.average_us,
            f"{row.average_us:,.1f} µs, {100 * row.average_us / whole:.1f} %",
        )
        for row in profile.by_time[:MOST_BARS]
    ]
    lead = f"The {len(rows)} most expensive of {len(profile.rows)} operators, average time."
    return Section("Time by operator", lead, bars(rows))


def _rooflines(profile: Profile) -> list[Section]:
    found = []
    if (limits := profile.ceilings) is None:
        return []
    for is_int8, peak, kind in ((False, limits.float32, "float32"), (True, limits.int8, "int8")):
        points = [_point(row) for row in profile.rows if row.is_int8 is is_int8 and row.macs]
        if points:
            lead = (
                f"Each dot is an operator; the line is what one core of this machine can do: "
                f"{peak / 1e9:,.0f} · 10⁹ operations and {limits.bytes / 1e9:,.1f} · 10⁹ bytes "
                "from memory a second. Dots above the slope find their data in a cache."
            )
            drawn = roofline(points, peak, limits.bytes, "10⁹ operations a second")
            found.append(Section(f"Roofline, {kind}", lead, drawn))
    return found


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f}"


def _point(row: Row) -> Point:
    return Point(2 * row.macs / max(1, row.bytes), 1e9 * row.rate, f"{row.op} {row.name}")


def _memory(profile: Profile, pieces: Sequence[Piece], arena_bytes: int) -> Section:
    blocks = [Block(p.name, p.start, p.end, p.offset, p.bytes, p.kind == "scratch") for p in pieces]
    lead = "Which tensor lives where in the arena, and when; grey is scratch."
    return Section("Memory", lead, memory(blocks, len(profile.rows), arena_bytes))


def _types(profile: Profile) -> Section:
    whole, sum_ = profile.operators_us or 1.0, 0.0
    rows = []
    for row in profile.by_type:
        sum_ += row.average_us
        shares = [f"{100 * part / whole:.1f}" for part in (row.average_us, sum_)]
        rows.append([row.op, str(row.count), f"{row.average_us:,.2f}", *shares, f"{row.macs:,}"])
    columns = ["type", "count", "µs", "%", "cumulative %", "MACs"]
    return Section(
        "By type", "All operators of a type together.", table(columns, rows, range(1, 6))
    )


def _operators(profile: Profile) -> Section:
    whole = profile.operators_us or 1.0
    rows = [
        [
            *(str(row.index), row.op, row.name, "×".join(row.shape)),
            *(f"{row.average_us:,.2f}", f"{100 * row.average_us / whole:.1f}", f"{row.macs:,}"),
            *(f"{row.bytes:,}", f"{row.rate:,.1f}", _percent(row.roofline)),
        ]
        for row in profile.rows
    ]
    columns = ["#", "operator", "output", "shape", "µs", "%", "MACs", "bytes", "GFLOP/s",
               "% of roofline"]  # fmt: skip
    return Section("In run order", "Every operator.", table(columns, rows, [0, *range(4, 10)]))
