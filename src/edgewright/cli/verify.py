"""Check a package again: its files, its code against its vectors, its model against the source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgewright.cli.console import json_option, out, progress, show, table
from edgewright.cli.model_options import device_of, device_option


@click.command(name="verify")
@click.argument("package", type=click.Path(path_type=Path))
@click.option("--against", type=click.Path(path_type=Path), metavar="MODEL",
              help="The source model; compares end to end with its own runtime.")  # fmt: skip
@click.option("--layers", is_flag=True,
              help="Compare operator by operator; needs --against.")  # fmt: skip
@click.option("--all", "every_runner", is_flag=True,
              help="Use every emulator, browser and virtual machine there is for each target, and "
              "count instructions where one can.")  # fmt: skip
@device_option
@json_option
def command(
    package: Path,
    against: Path | None,
    layers: bool,
    every_runner: bool,
    as_json: bool,
    **given: Any,
) -> int:
    """Verify PACKAGE on every target that runs here; exit status 1 when anything differs.

    \b
    Examples:
      edgewright verify dist
      edgewright verify dist --all
      edgewright verify dist --device ssh://pi@raspberrypi.local
      edgewright verify dist --against kws.tflite --layers
    """
    from edgewright.errors import InvalidOption
    from edgewright.pipeline import verify

    if layers and against is None:
        raise InvalidOption("--layers needs the source model", help="add --against MODEL")
    with progress(f"verifying {package.name}") as step:
        report = verify(package, against=against, layers=layers, every_runner=every_runner,
                        device=device_of(given), progress=step)  # fmt: skip
    show(as_json, report.to_json(), lambda: _render(report))
    return 0 if report.good else 1


def _render(report: Any) -> None:
    rows = [
        [v.target, f"{v.verdict.ran_on} ({v.verdict.level})", v.verdict.vectors,
         v.verdict.max_error, v.verdict.tolerance, v.verdict.crc32, _instructions(v.verdict),
         v.library_bytes, v.arena_bytes, "ok" if v.good else "DIFFERS"]
        for v in report.targets
    ]  # fmt: skip
    columns = ["target", "ran on", "vectors", "max error", "tolerance", "CRC32",
               "instructions a run", "library B", "arena B", "verdict"]  # fmt: skip
    table(columns, rows)
    for name, advice in report.not_run.items():
        out.print(f"{name}: not run here ({advice})")
    if not report.same_bits:
        out.print("the integer results differ between targets: see the column CRC32")
    for oracle in report.sources:
        verdict = "ok" if oracle.max_error <= oracle.tolerance else "DIFFERS"
        out.print(
            f"source ({oracle.oracle}, {oracle.samples} samples): error {oracle.max_error:.3g}, "
            f"tolerance {oracle.tolerance:g}: {verdict}"
        )
    if report.layers:
        _render_layers(report)


def _instructions(verdict: Any) -> object:
    """Per run of the model; a dash where nothing counted."""
    if verdict.instructions is None:
        return "-"
    return round(verdict.instructions / max(1, verdict.vectors))


def _render_layers(report: Any) -> None:
    rows = [
        [layer.index, layer.op, _short(layer.name), layer.error, layer.tolerance,
         "-" if layer.source_error is None else layer.source_error,
         "ok" if layer.good else "DIFFERS"]
        for layer in report.layers
    ]  # fmt: skip
    table(["#", "operator", "output", "C - reference", "tolerance", "reference - source", ""], rows)
    if all(layer.source_error is None for layer in report.layers):
        out.print("note: the source's runtime shows no tensor to compare an operator with")
    first = next((layer for layer in report.layers if not layer.good), None)
    if first:
        out.print(
            f"first to depart: #{first.index} {first.op} '{first.name}', error {first.error:.3g}"
        )
    else:
        out.print("no operator departs")


def _short(name: str, limit: int = 48) -> str:
    """The first of the names that a fused tensor carries, with its end if it is long."""
    first = name.split(";", maxsplit=1)[0]
    return first if len(first) <= limit else "..." + first[-limit:]
