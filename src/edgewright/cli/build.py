"""Build a verified package for one or more targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgewright.cli.console import json_option, kilobytes, out, percent, progress, show, table
from edgewright.cli.model_options import (
    compiler_option,
    import_options,
    model_options,
    precision_options,
    target_option,
)

#: rows of the table of tuned layers
_TOP = 10


@click.command(name="build")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-o", "--out", "destination", type=click.Path(path_type=Path), default="dist",
              show_default=True, help="The package: a folder, or a .ew file.")  # fmt: skip
@click.option("--name", help="Prefix of the C functions; default: the model's file name.")
@target_option
@compiler_option
@click.option("--max-ram", type=click.IntRange(min=0), metavar="BYTES",
              help="RAM that each target may take for activations and state. Where the model needs "
              "more, its first layers run a few rows at a time, which takes longer.")  # fmt: skip
@click.option("--threads", type=click.IntRange(1, 16), default=1, show_default=True,
              help="How many threads may work on a large layer. Results do not depend on "
              "it.")  # fmt: skip
@click.option("--tune", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Find the best way to compute each layer on this machine, and keep it in FILE; "
              "layers that FILE has are built as it says.")  # fmt: skip
@click.option("--optimize", type=click.Choice(["speed", "size"]), default="speed",
              show_default=True, help="size: keep weights as small as the model's where algorithms "
              "with fewer multiplications would expand them.")  # fmt: skip
@click.option("--no-cache", is_flag=True,
              help="Build even where the cache has this very build.")  # fmt: skip
@precision_options
@model_options
@json_option
def command(model: Path, destination: Path, as_json: bool, **given: Any) -> None:
    """Compile MODEL for each target, run it, compare it with the source, write a package.

    Nothing is written unless every comparison is within its tolerance.

    \b
    Examples:
      edgewright build kws.tflite -o kws
      edgewright build kws.tflite -o kws.ew -t host -t linux-arm64 --requantization fixed
      edgewright build kws.tflite -o kws --tune kws.tune.json
    """
    from edgewright.pipeline.kept import build_or_reuse

    options = import_options(given)
    with progress(f"building {model.name}") as step:
        package = build_or_reuse(
            model, given["targets"], destination, cached=not given["no_cache"], progress=step,
            name=given["name"], compiler=given["compiler"], max_ram=given["max_ram"],
            threads=given["threads"], tune=given["tune"], optimize=given["optimize"], **options,
        )  # fmt: skip
    manifest = package.manifest
    show(as_json, manifest.model_dump(mode="json"), lambda: render(manifest, destination))


def render(manifest: Any, destination: Path) -> None:
    """The package's verdicts for people."""
    rows = []
    for name, info in manifest.targets.items():
        verdicts = info.verdicts or [None]
        for verdict in verdicts:
            rows.append(
                [
                    name,
                    f"{verdict.ran_on} ({verdict.level})" if verdict else "not run here",
                    verdict.crc32 if verdict else "-",
                    _error(verdict) if verdict else "-",
                    kilobytes(info.code_bytes),
                    kilobytes(info.memory.weights_bytes),
                    kilobytes(info.memory.arena_bytes + info.memory.state_bytes),
                ]
            )
    table(["target", "ran on", "CRC32", "against reference", "code", "weights", "RAM"], rows)
    for oracle in manifest.oracles:
        how = "bit-equal" if oracle.exact else f"error {oracle.max_error:.2g}"
        bound = "" if oracle.exact else f" (tolerance {oracle.tolerance:g} of the range)"
        out.print(f"source: {how} to {oracle.oracle} on {oracle.samples} samples{bound}")
    for line in precision_lines(manifest.precision):
        out.print(line)
    built = [f"{name}: {note}" for name, info in manifest.targets.items() for note in info.notes]
    for name, info in manifest.targets.items():
        if not info.verdicts:
            out.print(not_run(name))
    for report in manifest.tuned:
        render_tuning(report)
    for note in (*manifest.notes, *built, *manifest.proof_notes):
        out.print(f"note: {note}")
    out.print(f"wrote {destination}")


def precision_lines(info: Any) -> list[str]:
    """What storing weights in fewer bits costs, for people."""
    lines = []
    for cost in info.outputs if info else ():
        top = "" if cost.same_top is None else f"; the same top-1 in {percent(cost.same_top)}"
        lines.append(
            f"{_stored_as(info)}: {cost.output} differs from float32 by {cost.rms_error:.2g} (rms) "
            f"and {cost.max_error:.2g} (largest) of its range on {info.samples} samples{top}"
        )
    return lines


def _stored_as(info: Any) -> str:
    """How weights are stored, in short."""
    names = [info.precision if info.precision != "float32" else "", info.weights or ""]
    return " and ".join(name for name in names if name)


def render_tuning(report: Any) -> None:
    """What tuning did for one target, for people."""
    if report.trials:
        out.print(f"{report.target}: {report.trials} ways tried, {len(report.changes)} of "
                  f"{report.layers} choices changed")  # fmt: skip
    if report.kernels:
        _kernels(report)
    if report.changes:
        unit = "cycles" if report.kernels else "µs"
        rows = [
            [c.layer, c.default, c.chosen, c.before, c.after, c.before / c.after]
            for c in report.changes[:_TOP]
        ]
        columns = ["layer", "default", "tuned", f"{unit} before", "after", "gain"]
        table(columns, rows, f"tuned layers of {report.target}")
    if report.before_us:
        out.print(f"{report.target}: the whole net took {report.before_us:,.1f} µs, and "
                  f"{report.after_us:,.1f} µs tuned: {report.before_us / report.after_us:.3f} "
                  f"times as fast (± {percent(report.spread)}), in turns")  # fmt: skip
    for note in report.notes:
        out.print(f"note: {note}")


def _kernels(report: Any) -> None:
    """Modelled cycles of the micro-kernels' inner loops."""
    rows = [
        [k.kernel, k.level, k.cpu, k.macs, k.cycles, k.cycles / k.macs, k.bound / k.cycles]
        for k in report.kernels
    ]
    columns = ["kernel", "level", "CPU", "MACs", "cycles", "per MAC", "of its bound"]
    table(columns, rows, f"inner loops of {report.target}, by llvm-mca")


def not_run(name: str) -> str:
    """The line for a target that was built and not run: what running it takes."""
    from edgewright import targets

    advice = targets.available(targets.get(name)).advice
    return f"{name}: not run here, so not verified" + (f" ({advice})" if advice else "")


def _error(verdict: Any) -> str:
    return "bit-equal" if verdict.exact else f"error {verdict.max_error:.2g}"
