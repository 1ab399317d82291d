"""From what was taken to rows, ratios and the numbers that are held against bars."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import accuracy, files
from benchmarks.roofline import Roofline
from benchmarks.subjects import Subject
from edgewright.bench.answers import difference
from edgewright.bench.interleave import COMPLETE_EVERY, OURS, Taken, ratio

#: A peer whose results lie further off, in parts of their range, computes something else. LiteRT's
#: hybrid kernels (float32 activations, int8 weights: 2 %) count, bfloat16 (5 %) does not.
LIMITS = {"float32": 0.03, "int8": 0.3}
#: Rounds from which on something can be said of the microseconds that Python adds.
LEAST_CALLS = 3

Row = dict[str, Any]


def rows(subject: Subject, threads: int, taken: Mapping[str, Taken]) -> list[Row]:
    """One row per runtime, with `failure` where it gave no time."""
    ours = taken.get(OURS)
    return [_row(subject, threads, item, ours) for item in taken.values()]


def _row(subject: Subject, threads: int, item: Taken, ours: Taken | None) -> Row:
    row: Row = {
        "model": subject.name, "group": subject.group, "dtype": subject.dtype, "threads": threads,
        "runtime": item.runtime,
    }  # fmt: skip
    if item.failure or not item.blocks:
        return {**row, "failure": item.failure or "nothing was measured"}
    row |= {"median_us": item.median_us, "spread": item.spread_us, "rounds": item.blocks}
    row |= {k: v for k, v in item.hello.items() if k != "version"} | item.memory
    if len(item.complete) >= LEAST_CALLS:
        row["python_us"] = statistics.median(item.complete)
    if len(item.native) >= LEAST_CALLS:
        row["c_us"] = statistics.median(item.native)
        row["run_more"] = _difference(item.complete, item.native)
        row["bound_more"] = _difference(item.blocks[::COMPLETE_EVERY], item.native)
    if item.runtime == OURS:
        row["build_s"] = files.build_seconds(subject, threads)
    if ours is not None and not ours.failure and ours.blocks:
        middle, low, high = ratio(item, ours)
        row |= {"ratio": middle, "ratio_low": low, "ratio_high": high}
        if ours.outputs and item.outputs:
            row["difference"] = difference(ours.outputs, item.outputs)
    reference = accuracy.expected(subject)
    if item.outputs and reference.exists():
        row["rms_error"] = accuracy.rms(item.outputs, reference)
    return row


def _difference(blocks: Sequence[float], native: Sequence[float]) -> Row:
    """What Python adds to the call in C: the median of the rounds, and half of their range."""
    more = [ours - c for ours, c in zip(blocks, native, strict=False)]
    return {"us": statistics.median(more), "spread_us": (max(more) - min(more)) / 2}


def is_valid(row: Row) -> bool:
    """Whether a row counts: it has a time, and computes what it should."""
    if "median_us" not in row:
        return False
    return bool(row.get("difference", 0.0) <= LIMITS[row["dtype"]])


def contests(found: Sequence[Row], roof: Roofline | None) -> list[Row]:
    """One entry per model, dtype and number of threads: we against the best peer.

    `verdict` is "ahead" or "behind" where the quartiles of the rounds' ratios agree on it, else
    "noise". Nets that the suite makes have a bound, and the part of the way to it that is closed.
    """
    groups: dict[tuple[str, str, int], list[Row]] = {}
    for row in found:
        groups.setdefault((row["model"], row["dtype"], row["threads"]), []).append(row)
    return [c for g in groups.values() if (c := _contest(g, roof)) is not None]


def _contest(group: Sequence[Row], roof: Roofline | None) -> Row | None:
    ours = next((r for r in group if r["runtime"] == OURS and "median_us" in r), None)
    peers = [r for r in group if r["runtime"] != OURS and is_valid(r) and "ratio" in r]
    if ours is None or not peers:
        return None
    best = min(peers, key=lambda r: r["ratio"])
    low, high = best["ratio_low"], best["ratio_high"]
    contest = {
        **{k: ours[k] for k in ("model", "group", "dtype", "threads")},
        "ours_us": ours["median_us"], "best_peer": best["runtime"],
        "best_peer_us": best["median_us"], "ratio": best["ratio"], "ratio_low": low,
        "ratio_high": high, "verdict": "ahead" if low > 1 else "behind" if high < 1 else "noise",
    }  # fmt: skip
    if roof is not None and ours["group"] == "nets":
        contest |= _headroom(ours, best, roof)
    return contest


def _headroom(ours: Row, best: Row, roof: Roofline) -> Row:
    """The bounds of the chosen algorithms and of direct ones, and how far the first is reached."""
    from benchmarks.subjects import subjects

    subject = next(s for s in subjects() if (s.name, s.dtype) == (ours["model"], ours["dtype"]))
    threads = ours["threads"]
    work = files.work(subject, threads)
    bound = roof.bound_us(work, ours["dtype"]) / threads
    gap = best["median_us"] - bound
    return {
        "macs": sum(n[0] for n in work["nodes"]),
        "bound_us": bound,
        "bound_direct_us": roof.bound_us(work, ours["dtype"], direct=True) / threads,
        "headroom_closed": (best["median_us"] - ours["median_us"]) / gap if gap > 0 else None,
    }


def summary(found: Sequence[Row], roof: Roofline | None) -> dict[str, Any]:
    """Geometric means and minima by group, as the bars of the project name them."""
    every = contests(found, roof)
    single = [c for c in every if c["threads"] == 1]

    def chosen(dtype: str, *groups: str) -> list[Row]:
        return [c for c in single if c["dtype"] == dtype and c["group"] in groups]

    return {
        "float32_nets": _figures(chosen("float32", "nets")),
        "int8_nets_and_larger": _figures(chosen("int8", "nets", "larger")),
        "float32_larger": _figures(chosen("float32", "larger")),
        "float32_tiny": _figures(chosen("float32", "tiny")),
        "int8_tiny": _figures(chosen("int8", "tiny")),
        "trees_batch1": _figures([c for c in single if c["model"].endswith("_batch1")]),
        "trees_batch1000": _figures([c for c in single if c["model"].endswith("_batch1000")]),
        "trees": _trees(found),
        "two_threads": _two_threads(found, every),
        "load": _load(found),
        "python_call": _python_calls(found),
        "accuracy": _accuracy(found),
        "memory": _memory(found),
    }


def _figures(chosen: Sequence[Row]) -> Row:
    if not chosen:
        return {"count": 0}
    least = min(chosen, key=lambda c: c["ratio"])
    closed = [c["headroom_closed"] for c in chosen if c.get("headroom_closed") is not None]
    figures = {
        "count": len(chosen),
        "geometric_mean": statistics.geometric_mean([c["ratio"] for c in chosen]),
        "minimum": least["ratio"], "minimum_model": least["model"],
        "behind": [c["model"] for c in chosen if c["verdict"] == "behind"],
    }  # fmt: skip
    if closed:
        figures["headroom_closed_median"] = statistics.median(closed)
    return figures


def _two_threads(found: Sequence[Row], every: Sequence[Row]) -> list[Row]:
    """Our own speed-up and the best peer's ratio, for each net run on two threads."""
    times = {(r["model"], r["dtype"], r["threads"]): r["median_us"]
             for r in found if r["runtime"] == OURS and "median_us" in r}  # fmt: skip
    return [
        {"model": c["model"], "dtype": c["dtype"], "ratio": c["ratio"],
         "speedup": times[c["model"], c["dtype"], 1] / c["ours_us"]}
        for c in every
        if c["threads"] == 2 and (c["model"], c["dtype"], 1) in times
    ]  # fmt: skip


def _trees(found: Sequence[Row]) -> list[Row]:
    """ONNX Runtime's time over ours, and the size of the batch in the model's name."""
    return [
        {"model": r["model"], "batch": int(r["model"].rpartition("_batch")[2]), "ratio": r["ratio"]}
        for r in found
        if r["group"] == "trees" and r["runtime"] == "onnxruntime" and "ratio" in r
    ]  # fmt: skip


def _load(found: Sequence[Row]) -> list[Row]:
    """Load and first inference beside the quickest peer's."""
    return [
        {**ours, "ratio": peer / ours["load_us"], "peer_us": peer}
        for ours, peer in _beside(found, "load_us")
    ]


def _memory(found: Sequence[Row]) -> list[Row]:
    """Peak of resident memory above bare Python beside the most frugal peer's."""
    return [
        {**ours, "ratio": peer / ours["peak_bytes"]} for ours, peer in _beside(found, "peak_bytes")
    ]


def _beside(found: Sequence[Row], field: str) -> list[tuple[Row, float]]:
    """Our own value of a field for each model on one thread, with the least of the peers'."""
    result = []
    for ours in found:
        if ours["runtime"] != OURS or ours["threads"] != 1 or field not in ours:
            continue
        peers = [r[field] for r in found if field in r and r["runtime"] != OURS and is_valid(r)
                 and all(r[k] == ours[k] for k in ("model", "dtype", "threads"))]  # fmt: skip
        if peers:
            result.append(({k: ours[k] for k in ("model", "dtype", field)}, min(peers)))
    return result


def _python_calls(found: Sequence[Row]) -> list[Row]:
    """What `package.run` and `bind` add to the call in C, and the best peer's own Python call."""
    result = []
    for ours in found:
        if ours["runtime"] != OURS or ours["group"] not in ("tiny", "larger", "again"):
            continue
        if ours["threads"] != 1 or "python_us" not in ours:
            continue
        peers = [r["python_us"] for r in found if "python_us" in r and r["runtime"] != OURS
                 and all(r[k] == ours[k] for k in ("model", "dtype", "threads"))]  # fmt: skip
        row = {"model": ours["model"], "dtype": ours["dtype"], "c_us": ours.get("c_us"),
               "run_us": ours["python_us"], "bound_us": ours["median_us"],
               "run": ours.get("run_more"), "bound": ours.get("bound_more")}  # fmt: skip
        result.append(row | ({"ratio": min(peers) / ours["python_us"]} if peers else {}))
    return result


def _accuracy(found: Sequence[Row]) -> list[Row]:
    """Our rms error over ONNX Runtime's, where both are known: float32, one thread."""
    errors = {(r["model"], r["runtime"]): r["rms_error"] for r in found
              if r.get("rms_error") and r["dtype"] == "float32" and r["threads"] == 1}  # fmt: skip
    return [
        {"model": model, "rms_error": error, "ratio": error / errors[model, "onnxruntime"]}
        for (model, runtime), error in errors.items()
        if runtime == OURS and (model, "onnxruntime") in errors
    ]
