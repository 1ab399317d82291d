"""Say what a model is: interface, contract, size, work, transposes, memory."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click

from edgewright.cli.console import json_option, kilobytes, out, progress, show, table
from edgewright.cli.model_options import import_options, model_options


@click.command(name="inspect")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--why", is_flag=True, help="Show the rewrites that were declined, and why.")
@click.option("--graph", "print_graph", is_flag=True, help="Print the optimised graph as text.")
@model_options
@json_option
def command(model: Path, why: bool, print_graph: bool, as_json: bool, **given: Any) -> None:
    """Show what MODEL is after import and optimisation, without building it.

    \b
    Examples:
      edgewright inspect kws.tflite
      edgewright inspect resnet.onnx --why
    """
    from edgewright.pipeline import load_model
    from edgewright.pipeline.summary import summarize

    options = import_options(given)
    with progress(f"reading {model.name}"):
        loaded = load_model(model, **options)
        summary = summarize(loaded)
    if print_graph and not as_json:
        click.echo(str(loaded.module), nl=False)
        return
    document = summary.to_json()
    if why:
        document["declined"] = [str(d) for g in loaded.module.graphs.values() for d in g.declined]
    if print_graph:
        document["graph"] = str(loaded.module)
    show(as_json, document, lambda: _render(document, why))


def _render(found: dict[str, Any], why: bool) -> None:
    out.print(f"{found['file']}  {found['format']}, {found['requantization']}", style="bold")
    for entry in found["entries"]:
        rows = [
            [kind, t["name"], t["dtype"], t["shape"], t["quant"]]
            for kind, key in (("in", "inputs"), ("out", "outputs"))
            for t in entry[key]
        ]
        table(["", entry["name"], "dtype", "shape", "quantisation"], rows)
    out.print(f"parameters {found['parameters']:,}, MACs {found['macs']:,}")
    moved = kilobytes(found["transposes"]["bytes"])
    t = found["transposes"]
    out.print(f"transposes: {t['source']} in the source, {t['inside']} inside, "
              f"{t['interface']} at the interface ({moved} moved)")  # fmt: skip
    memory = found["memory"]
    out.print(f"arena {memory['arena_bytes']:,} bytes, lower bound {memory['lower_bound']:,}; "
              f"state {memory['state_bytes']:,}")  # fmt: skip
    operators = Counter(found["operators"])
    out.print("operators: " + ", ".join(f"{n} {op}" for op, n in operators.most_common()))
    if found["contract"]:
        out.print(f"contract: {found['contract']}")
    for note in found["notes"]:
        out.print(f"note: {note}")
    for line in found.get("declined", []) if why else []:
        out.print(f"declined: {line}")
