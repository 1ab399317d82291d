"""Show where the time of a model goes, operator by operator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgewright.cli.console import json_option, out, progress, show, table
from edgewright.cli.model_options import (
    device_of,
    device_option,
    import_options,
    model_options,
    precision_options,
    seconds_option,
)
from edgewright.errors import InvalidOption


@click.command(name="profile")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-t", "--target", metavar="NAME",
              help="Where it runs; default: here. Others are timed where a real CPU runs them "
              "(wine, a device); emulators count instructions, which are exact but no measure of "
              "time.")  # fmt: skip
@seconds_option("How long to measure.")
@click.option("--level", help="Instruction set level; default: the best that this CPU has.")
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True,
              help="Rows of the table by time.")  # fmt: skip
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write a report with a roofline, bars and the arena map.")  # fmt: skip
@device_option
@precision_options
@model_options
@json_option
def command(
    model: Path, target: str | None, seconds: float, level: str | None, top: int,
    html: Path | None, as_json: bool, **given: Any,
) -> None:  # fmt: skip
    """Time every operator of MODEL: where the time goes and, on this machine, what is left to gain.

    The code is built for this with a time stamp after each operator; packages carry none of it.

    \b
    Examples:
      edgewright profile kws.tflite
      edgewright profile kws.tflite --html profile.html --top 5
      edgewright profile kws.tflite -t cortex-m4
      edgewright profile kws.tflite --device adb:// --cores 4-7
    """
    from edgewright.pipeline.destination import check_file
    from edgewright.pipeline.elsewhere import how

    if html is not None:
        check_file(html)
    device = device_of(given)
    options = import_options(given)
    way = how(target, device)
    if way == "instructions":
        if html or level:
            raise InvalidOption("an emulator counts, at the best level: no --html, no --level",
                                help="leave them out")  # fmt: skip
        _count(model, str(target), as_json, options)
        return
    settings = {"seconds": seconds, "level": level, **options}
    with progress(f"profiling {model.name}") as step:
        found = (_here(model, target, step, settings) if way == "here"
                 else _elsewhere(model, target, device, step, settings))  # fmt: skip
    if html is not None:
        _write(html, found)
    show(as_json, found.to_json(), lambda: _render(found, top))
    if html is not None and not as_json:
        out.print(f"wrote {html}")


def _here(model: Path, target: str | None, step: Any, settings: dict[str, Any]) -> Any:
    from edgewright.pipeline.profile import profile_model

    return profile_model(model, target=target or "host", progress=step, **settings)


def _elsewhere(
    model: Path, target: str | None, device: Any, step: Any, settings: dict[str, Any]
) -> Any:
    from edgewright.pipeline.profile import profile_elsewhere

    return profile_elsewhere(model, target, device, progress=step, **settings)


def _count(model: Path, target: str, as_json: bool, options: dict[str, Any]) -> None:
    from edgewright.pipeline.instructions import count_instructions

    with progress(f"counting the instructions of {model.name}"):
        counts = count_instructions(model, target, **options)
    show(as_json, counts.to_json(), lambda: _render_counts(counts))


def _render_counts(counts: Any) -> None:
    cells = [
        [n.index, n.op, f"{n.instructions:,}", f"{100 * n.instructions / counts.total:.1f}",
         n.macs, f"{n.macs_per_instruction:.2f}" if n.macs else "-", _short(n.name)]
        for n in counts.nodes
    ]  # fmt: skip
    columns = ["#", "operator", "instructions", "%", "MACs", "MACs an instruction", "output"]
    table(columns, cells, f"one run on {counts.target}")
    out.print(f"whole run: {counts.total:,} instructions, {counts.requantization} requantization")


def _write(path: Path, found: Any) -> None:
    from edgewright.pipeline.destination import write_file
    from edgewright.report.page import page
    from edgewright.report.profile import sections

    where = f" on {found.runner}" if found.runner else ""
    subtitle = (f"{found.requantization} requantization, {found.level}{where}, one thread: "
                + _total(found))  # fmt: skip
    parts = sections(found.profile, found.memory, found.arena_bytes)
    write_file(path, page(f"Profile of {found.model}", subtitle, parts).encode())


def _total(found: Any) -> str:
    total = found.profile.total
    return f"{total.median:,.1f} µs ± {total.spread:,.1f} (median, {total.count:,} runs)"


def _render(found: Any, top: int) -> None:
    profile = found.profile
    where = f" on {found.runner}" if found.runner else ""
    out.print(f"{found.model}  {found.requantization}, {found.level}{where}, one thread",
              style="bold")  # fmt: skip
    _operators("in run order", profile.rows, profile)
    out.print()
    _operators(f"top {top} by time", profile.by_time[:top], profile)
    out.print()
    _types(profile)
    out.print()
    _memory(found)
    if limits := profile.ceilings:
        out.print(
            f"this core at best: {limits.float32 / 1e9:,.0f} GFLOP/s float32, "
            f"{limits.int8 / 1e9:,.0f} GOP/s int8, {limits.bytes / 1e9:,.1f} GB/s"
        )
    out.print(f"whole run: {_total(found)}; operators {profile.operators_us:,.1f} µs")


def _operators(title: str, rows: Any, profile: Any) -> None:
    whole, sum_, cells = profile.operators_us or 1.0, 0.0, []
    for row in rows:
        sum_ += row.average_us
        cells.append(
            [
                *(row.index, row.op, "x".join(row.shape), f"{row.average_us:,.2f}"),
                *(f"{row.best_us:,.2f}", f"{100 * row.average_us / whole:.1f}"),
                *(f"{100 * sum_ / whole:.1f}", row.macs, row.bytes),
                *(f"{row.rate:,.1f}" if row.macs else "-", _percent(row.roofline)),
                _short(row.name),
            ]
        )
    columns = ["#", "operator", "shape", "avg µs", "best µs", "%", "cum %", "MACs", "bytes",
               "GFLOP/s", "roof %", "output"]  # fmt: skip
    table(columns, cells, title)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f}"


def _types(profile: Any) -> None:
    whole, sum_, rows = profile.operators_us or 1.0, 0.0, []
    for row in profile.by_type:
        sum_ += row.average_us
        shares = [f"{100 * part / whole:.1f}" for part in (row.average_us, sum_)]
        rows.append([row.op, row.count, f"{row.average_us:,.2f}", *shares, row.macs])
    table(["type", "count", "avg µs", "%", "cum %", "MACs"], rows, "by type")


def _memory(found: Any) -> None:
    from edgewright.bench.memory_map import drawn

    steps = len(found.profile.rows)
    out.print(f"arena over time: {found.arena_bytes:,} bytes high, {steps} operators wide; "
              "lower-case letters are scratch")  # fmt: skip
    for line in drawn(found.memory, steps, found.arena_bytes, width=96, height=12):
        out.print(f"  {line}")


def _short(name: str, limit: int = 32) -> str:
    return name if len(name) <= limit else "..." + name[-limit:]
