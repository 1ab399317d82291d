"""Tables for people: times, and how many times longer than ours each peer takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.summary import Row, contests, is_valid
from edgewright.bench import runtimes
from edgewright.bench.interleave import OURS

NAME_WIDTH = 28


def heading(chosen: Sequence[str]) -> str:
    """The columns; peers in the order in which they are measured."""
    peers = "".join(f"{_title(name):>14}" for name in chosen if name != OURS)
    return f"{'model':{NAME_WIDTH}}{'threads':>8}{'ours, us':>20}{peers}   best peer / ours"


def line(found: Sequence[Row], chosen: Sequence[str]) -> str:
    """One model: our median and spread, each peer's ratio ("-": has no such model), the verdict."""
    by_name = {row["runtime"]: row for row in found}
    first = found[0]
    text = f"{first['model']}-{first['dtype']}"[: NAME_WIDTH - 1].ljust(NAME_WIDTH)
    text += f"{first['threads']:>8}{_time(by_name.get(OURS)):>20}"
    text += "".join(f"{_ratio(by_name.get(n)):>14}" for n in chosen if n != OURS)
    found_contests = contests(found, None)
    return text + (f"   {_verdict(found_contests[0])}" if found_contests else "")


def reasons(found: Sequence[Row]) -> list[str]:
    """Why runtimes gave no time, or one that does not count."""
    said: dict[str, list[str]] = {}
    for row in found:
        if "failure" in row and not row["failure"].startswith("does not read"):
            said.setdefault(row["failure"], []).append(_title(row["runtime"]))
        elif "median_us" in row and not is_valid(row):
            text = f"not counted, its results differ by {row['difference']:.2g}"
            said.setdefault(text, []).append(_title(row["runtime"]))
    return [f"{', '.join(names)}: {text}" for text, names in said.items()]


def figures(summary: dict[str, Any]) -> list[str]:
    """The summary's groups, one line each."""
    lines = []
    for name, group in summary.items():
        if isinstance(group, dict) and group.get("count"):
            text = f"{name:24} {group['count']:3} models  mean {group['geometric_mean']:5.2f}x"
            text += f"  least {group['minimum']:5.2f}x ({group['minimum_model']})"
            if "headroom_closed_median" in group:
                text += f"  headroom closed {100 * group['headroom_closed_median']:.0f} %"
            lines.append(text)
    lines += [
        f"two threads: {r['model']}-{r['dtype']} {r['speedup']:.2f}x one, {r['ratio']:.2f}x peers"
        for r in summary["two_threads"]
    ]
    return lines + _extremes(summary)


def _extremes(summary: dict[str, Any]) -> list[str]:
    """The model that is worst in each of what is measured besides the latency."""
    lines = []
    for load in summary["load"]:
        if load["model"] == "mobilenet_v2":
            name = f"load and first inference: mobilenet_v2-{load['dtype']}"
            lines.append(f"{name} {load['load_us'] / 1e3:.1f} ms, {load['ratio']:.2f}x")
    calls = [c for c in summary["python_call"] if c.get("run")]
    for kind in ("run", "bound") if calls else ():
        worst = max(calls, key=lambda c: c[kind]["us"] - c[kind]["spread_us"])
        text = f"{worst[kind]['us']:.2f} ±{worst[kind]['spread_us']:.2f} us"
        lines.append(f"{kind}: at most {text} above the call in C ({worst['model']})")
    if calls := [c for c in calls if "ratio" in c]:
        worst = min(calls, key=lambda c: c["ratio"])
        lines.append(f"run: at least {worst['ratio']:.2f}x a peer's own call ({worst['model']})")
    if summary["accuracy"]:
        worst = max(summary["accuracy"], key=lambda a: a["ratio"])
        lines.append(f"rms error: at most {worst['ratio']:.2f}x ONNX Runtime's ({worst['model']})")
    return lines


def _title(name: str) -> str:
    return str(runtimes.get(name).TITLE)


def _time(row: Row | None) -> str:
    if row is None or "median_us" not in row:
        return "-"
    return f"{row['median_us']:.1f} ±{row['spread']:.1f}"


def _ratio(row: Row | None) -> str:
    if row is None or "median_us" not in row:
        return "-"
    if "ratio" not in row:
        return f"{row['median_us']:.1f} us"
    return f"{row['ratio']:.2f}x" + ("" if is_valid(row) else " (!)")


def _verdict(contest: Row) -> str:
    text = f"{contest['ratio']:.2f}x [{contest['ratio_low']:.2f}, {contest['ratio_high']:.2f}]"
    names = {"ahead": "ahead", "behind": "BEHIND", "noise": "no difference beyond the noise"}
    return f"{text} {names[contest['verdict']]}"
