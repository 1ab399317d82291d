"""List the targets: what can be built, and what can be run and verified on this machine."""

from __future__ import annotations

import re
from typing import Any

import click

from edgewright.cli.console import json_option, out, show, table


@click.command(name="targets")
@json_option
def command(as_json: bool) -> None:
    """List what can be built, and what of it can be run and verified here, and with what.

    Everything can be built on every machine; a target that cannot be run here is built and marked
    "not run here".

    \b
    Example:
      edgewright targets
    """
    from edgewright import targets

    rows = [_row(target) for target in targets.registry().values()]
    show(as_json, {"targets": rows}, lambda: _render(rows))


def _row(target: Any) -> dict[str, Any]:
    from edgewright import targets

    found = targets.available(target)
    here = [runner.name for runner in target.runners_here]
    others = [r for r in target.runners if not r.native and r.missing and not target.is_native]
    return {
        "name": target.name,
        "description": target.description,
        "product": target.product,
        "makes": f"{target.product.replace('_', ' ')} ({target.library_suffix})",
        "levels": [level.name for level in targets.levels_here(target)],
        "all_levels": list(target.level_names),
        "runs_here": bool(found),
        "runner": found.runner.name if found.runner else "",
        "runners": here,
        "missing": list(found.missing),
        "install": found.install if not found else "",
        "advice": found.advice,
        "more": [{"runner": r.name, "install": r.advice} for r in others if found],
    }


def _render(rows: list[dict[str, Any]]) -> None:
    table(
        ["target", "makes", "runs here with", "levels", "for"],
        [
            [
                row["name"],
                row["makes"],
                ", ".join(row["runners"]) or "-",
                ", ".join(row["all_levels"]),
                re.split(r"[:(]", row["description"])[0].strip(),
            ]
            for row in rows
        ],
    )
    count = sum(row["runs_here"] for row in rows)
    out.print(f"\n{count} of {len(rows)} run, and are verified, on this machine.")
    if waiting := _by_advice(rows):
        out.print("The others are built and marked as not run. What running them here takes:")
        for advice, names in waiting.items():
            out.print(f"  {advice}: {', '.join(names)}")
    for row in rows:
        for more in row["more"]:
            out.print(f"{row['name']} runs with {more['runner']} too ({more['install']})")


def _by_advice(rows: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The targets that do not run here, by what would change that."""
    found: dict[str, list[str]] = {}
    for row in rows:
        if not row["runs_here"]:
            found.setdefault(row["advice"], []).append(row["name"])
    return found
