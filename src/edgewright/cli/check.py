"""Say whether a model will build, for which targets, and everything that stands in the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgewright.cli.console import json_option, out, progress, show, table
from edgewright.cli.model_options import import_options, model_options, target_option


@click.command(name="check")
@click.argument("model", type=click.Path(path_type=Path))
@target_option
@model_options
@json_option
def command(model: Path, as_json: bool, **given: Any) -> None:
    """Import and plan MODEL without compiling anything; report every problem at once.

    \b
    Example:
      edgewright check kws.tflite -t host -t linux-arm64
    """
    from edgewright import targets as registry
    from edgewright.codegen import generate
    from edgewright.pipeline import load_model

    options = import_options(given)
    wanted = registry.named(given["targets"])
    with progress(f"checking {model.name}") as step:
        loaded = load_model(model, **options)
        rows = []
        for target in wanted:
            step(target.name)
            code = generate(loaded.module, target, model.stem)
            rows.append(
                {
                    "target": target.name,
                    "builds": True,
                    "runs_here": bool(registry.available(target)),
                    "arena_bytes": code.sizes.arena,
                    "weights_bytes": code.sizes.weights,
                    "state_bytes": code.sizes.state,
                }
            )

    def render() -> None:
        table(
            ["target", "builds", "verified here", "arena bytes", "weights bytes", "state bytes"],
            [list(row.values()) for row in rows],
        )
        for note in loaded.notes:
            out.print(f"note: {note}")

    show(as_json, {"model": str(model), "targets": rows, "notes": loaded.notes}, render)
