"""Time a model or package beside other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgewright.cli.console import json_option, kilobytes, out, progress, show, table
from edgewright.cli.model_options import (
    device_of,
    device_option,
    import_options,
    model_options,
    precision_options,
    seconds_option,
)
from edgewright.errors import InvalidOption

#: share of the range; quantised arithmetic differs between runtimes by less
DIFFERS = 0.1


@click.command(name="bench")
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL|PACKAGE")
@click.option(
    "--against",
    default="",
    metavar="NAMES",
    help="Other runtimes, joined by commas, such as litert,onnxruntime,openvino.",
)
@click.option(
    "--threads",
    default="1",
    show_default=True,
    metavar="N",
    help="For every runtime; a model is built for so many. On a device also a range such as 1-8: "
    "the best count differs from phone to phone.",
)
@click.option(
    "--cpus",
    default="",
    metavar="LIST",
    help="Pin to these CPUs of this machine, such as 0,1; default: the first ones.",
)
@seconds_option("How long each runtime is timed.")
@click.option(
    "--source",
    type=click.Path(path_type=Path),
    metavar="MODEL",
    help="The file that PACKAGE was built from, for the other runtimes to read.",
)
@click.option(
    "-t",
    "--target",
    metavar="NAME",
    help="Default: this machine's own. Others are timed where a real CPU runs them (wine, a "
    "device); emulators count instructions, which are exact but no measure of time.",
)
@device_option
@precision_options
@model_options
@json_option
def command(model: Path, as_json: bool, **given: Any) -> int:
    """Time MODEL or PACKAGE beside other runtimes, in turns on the same cores.

    A winner is named only where the quartiles of the rounds' ratios agree on it. Exit status 3 when
    none of the runtimes that were named could be measured.

    \b
    Examples:
      edgewright bench kws.tflite --against litert,onnxruntime,openvino
      edgewright bench dist --source kws.tflite --against litert --threads 2
      edgewright bench dist -t cortex-m4
      edgewright bench dist --device adb:// --cores 4-7 --threads 1-4
    """
    from edgewright.pipeline.elsewhere import how

    target, device = given.pop("target"), device_of(given)
    way = how(target, device)
    if way == "here":
        return _here(model, as_json, given)
    if way == "instructions":
        return _count(model, target, as_json, given)
    return _elsewhere(model, target, device, as_json, given)


def _here(model: Path, as_json: bool, given: dict[str, Any]) -> int:
    from edgewright.pipeline.bench import bench

    names = [name.strip() for name in given.pop("against").split(",") if name.strip()]
    low, high = counts("--threads", given.pop("threads"))
    if low != high:
        raise InvalidOption("a range of --threads is for devices", help="name one, or add --device")
    settings = {key: given.pop(key) for key in ("seconds", "source")}
    cpus = numbers("--cpus", given.pop("cpus"))
    with progress(f"timing {model.name}") as step:
        report = bench(model, names, threads=low, cpus=cpus, progress=step, **settings,
                       **import_options(given))  # fmt: skip
    show(as_json, report.to_json(), lambda: _render(report))
    return 0 if report.measured else 3


def counts(option: str, text: str) -> tuple[int, int]:
    """The ends of "N" or "LOW-HIGH". Raises InvalidOption."""
    first, dash, last = text.partition("-")
    ends = (first, last if dash else first)
    if not all(end.isdecimal() and int(end) for end in ends) or int(ends[0]) > int(ends[1]):
        raise InvalidOption(f"{option} {text!r} is no number of threads", help="such as 2, or 1-8")
    return int(ends[0]), int(ends[1])


def numbers(option: str, text: str) -> list[int]:
    """Numbers joined by commas. Raises InvalidOption."""
    parts = [part.strip() for part in text.split(",")] if text else []
    if not all(part.isdecimal() for part in parts):
        raise InvalidOption(f"{option} {text!r} is no list of CPUs", help="such as 0,1")
    return [int(part) for part in parts]


def _render(report: Any) -> None:
    cells = [
        [f"{row.title} {row.version}", f"{row.median_us:,.2f}", f"±{row.spread_us:,.2f}",
         f"{row.load_us / 1e3:,.2f}", kilobytes(row.peak_bytes), _ratio(row.ratio), row.file]
        for row in report.rows
    ]  # fmt: skip
    columns = ["runtime", "median µs", "spread", "load + first run ms", "peak memory",
               "theirs / ours [quartiles]", "file"]  # fmt: skip
    table(columns, cells, report.model)
    for row in report.rows:
        if row.ratio is not None:
            out.print(_sentence(row))
        if row.difference > DIFFERS:
            out.print(f"{row.title} answers differently, by {row.difference:.2g} of the range: "
                      "it may compute something else")  # fmt: skip
    for absent in report.absent:
        out.print(f"{absent.runtime}: not measured: {absent.reason}" + _advice(absent.help))
    cpus = ", ".join(map(str, report.cpus))
    out.print(
        f"{report.cpu}, {report.threads} thread{'s' * (report.threads > 1)} on CPU {cpus}, "
        f"{report.rounds} rounds in turns, {report.seconds:g} s each"
    )


def _advice(help_: str) -> str:
    return f" ({help_})" if help_ else ""


def _ratio(ratio: Any) -> str:
    return f"{ratio.median:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]" if ratio else "-"


def _sentence(row: Any) -> str:
    """Who is faster, where the rounds agree."""
    ratio = row.ratio
    if ratio.verdict == "noise":
        return f"{row.title}: no difference beyond the noise"
    ahead = ratio.verdict == "ahead"
    names = ("Edgewright", row.title) if ahead else (row.title, "Edgewright")
    factor = ratio.median if ahead else 1 / ratio.median
    if factor < 1.1:
        return f"{names[0]} is {100 * (factor - 1):.1f} % faster than {names[1]}"
    return f"{names[0]} is {factor:.2f} times as fast as {names[1]}"


def _refuse(given: dict[str, Any], where: str) -> None:
    """Raise InvalidOption for options that mean nothing away from this machine."""
    for key in ("against", "cpus", "source"):
        if given.pop(key):
            raise InvalidOption(f"--{key} is for this machine, not for {where}",
                                help="leave it out")  # fmt: skip


def _count(model: Path, target: str, as_json: bool, given: dict[str, Any]) -> int:
    from edgewright.pipeline.bench_elsewhere import count_runs

    _refuse(given, target)
    del given["seconds"], given["threads"]
    with progress(f"counting the instructions of {model.name}"):
        found = count_runs(model, target, **import_options(given))
    show(as_json, found.to_json(), lambda: _render_counts(found))
    return 0


def _render_counts(found: Any) -> None:
    cells = [[row.level, row.runner, row.vectors, row.instructions] for row in found.rows]
    table(["level", "ran on", "runs", "instructions a run"], cells,
          f"{found.model} on {found.target}")  # fmt: skip
    out.print("an emulator counts instructions; how long they take, only the hardware knows")


def _elsewhere(
    model: Path, target: str | None, device: Any, as_json: bool, given: dict[str, Any]
) -> int:
    from edgewright.pipeline.bench_elsewhere import time_elsewhere

    place = device.runner.name if device else str(target)
    _refuse(given, place)
    low, high = counts("--threads", given.pop("threads"))
    seconds = given.pop("seconds")
    with progress(f"timing {model.name} on {place}") as step:
        found = time_elsewhere(model, target, device, threads=range(low, high + 1),
                               seconds=seconds, progress=step, **import_options(given))  # fmt: skip
    show(as_json, found.to_json(), lambda: _render_device(found))
    return 0


def _render_device(found: Any) -> None:
    cells = [
        [row.threads, f"{row.median_us:,.2f}", f"±{row.spread_us:,.2f}", row.runs]
        for row in found.rows
    ]
    table(["threads", "median µs", "spread", "runs"], cells,
          f"{found.model} on {found.device} ({found.target}, {found.level})")  # fmt: skip
    if len(found.rows) > 1:
        best = found.best
        out.print(f"fastest with {best.threads} threads" if best else
                  "no number of threads is fastest beyond the noise")  # fmt: skip
    out.print(f"timed where it runs, {found.seconds:g} s each" + (
        f", pinned to cores {found.cores}" if found.cores else ""))  # fmt: skip
