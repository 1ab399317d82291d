"""Accuracy on labelled samples: in total, per class, and per slice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgewright.cli.console import json_option, out, percent, progress, show, table
from edgewright.cli.model_options import import_options, model_options, precision_options


@click.command(name="evaluate")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), required=True, metavar="CSV",
              help="A table with a column `file` and a column of labels, or an .npz.")  # fmt: skip
@click.option("--label", help="The column of labels.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the files are.")
@click.option("--slice", "slices", multiple=True, metavar="COLUMN",
              help="Also print the accuracy for each value of this column.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), help="Only the first N samples.")
@click.option("-t", "--target", help="Run on this target of the package.")
@precision_options
@model_options
@json_option
def command(model: Path, as_json: bool, **given: Any) -> None:
    """Measure how often MODEL (a model file or a package) is right.

    Preprocessing comes from the model contract: the file's own metadata, model.toml beside it, or
    --contract.

    \b
    Examples:
      edgewright evaluate dist --data test/labels.csv --slice lighting
      edgewright evaluate kws.tflite --data kws/labels.csv --requantization fixed
    """
    from edgewright.pipeline.evaluate import evaluate

    options = import_options(given)
    with progress(f"evaluating {model.name}") as step:
        report = evaluate(model, given.pop("data"), progress=step, options=options, **given)
    show(as_json, report.to_json(), lambda: _render(report))


def _render(report: Any) -> None:
    out.print(f"accuracy {percent(report.accuracy)} ({report.correct} of {report.total})")
    table(["class", "right", "of", "accuracy"],
          [[c.name, c.correct, c.total, percent(c.accuracy)] for c in report.classes])  # fmt: skip
    for column, groups in report.slices.items():
        table([column, "right", "of", "accuracy"],
              [[g.name, g.correct, g.total, percent(g.accuracy)] for g in groups])  # fmt: skip
    worst = report.worst
    out.print(f"worst slice: {worst[0]} = {worst[1].name}, {percent(worst[1].accuracy)}"
              f" ({worst[1].correct} of {worst[1].total})")  # fmt: skip
