"""What the project holds itself to, beside what a run of the suite found.

A ratio is the best peer's time over ours, so that more is better. What a run did not measure stays
open, neither met nor missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Found = dict[str, Any]
#: Nets whose speed-up by a second thread is a bar.
TWO_THREADS = ("resnet50", "inception_v3")


@dataclass(frozen=True)
class Bar:
    """One of them.

    Attributes:
        what: is measured.
        limit: the least value that will do; the most if `at_most`.
        value: what was found; None where it was not measured.
        unit: of both.
        where: the model or layer that was found to be worst.
    """

    what: str
    limit: float
    value: float | None
    unit: str = "x"
    where: str = ""
    at_most: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the value will do; None where there is none."""
        if self.value is None:
            return None
        return self.value <= self.limit if self.at_most else self.value >= self.limit


def bars(summary: Found, contests: Sequence[Found]) -> list[Bar]:
    """All of them, in the order of the project's table."""
    return [
        *_nets(summary, contests), *_tiny(summary), *_calls(summary["python_call"]),
        *_trees(summary["trees"]), *_threads(summary["two_threads"]),
        *_layers(summary.get("convolutions", {})), *_load(summary["load"]),
        *_build(summary.get("build_mobilenet_v2", {})), *_accuracy(summary["accuracy"]),
        *_code(summary.get("code_bytes", {})),
    ]  # fmt: skip


def lines(found: Iterable[Bar]) -> list[str]:
    """A table: what, the bar, the value, whether it is met."""
    words = {True: "met", False: "MISSED", None: "not measured"}
    rows = [f"{'':52}{'bar':>14}{'value':>12}"]
    for bar in found:
        limit = f"{'<=' if bar.at_most else '>='} {bar.limit:g} {bar.unit}"
        value = "-" if bar.value is None else f"{bar.value:.2f}"
        text = f"{bar.what:52}{limit:>14}{value:>12}  {words[bar.met]}"
        rows.append(f"{text} ({bar.where})" if bar.where else text)
    return rows


def _worst(items: Iterable[Found], field: str, least: bool = True) -> tuple[float | None, str]:
    """The lowest or highest value of a field, and whose it is."""
    known = [item for item in items if item.get(field) is not None]
    if not known:
        return None, ""
    one = (min if least else max)(known, key=lambda item: float(item[field]))
    return float(one[field]), "-".join(str(one[k]) for k in ("model", "dtype") if k in one)


def _group(what: str, group: Found, mean: float, least: float) -> Iterator[Bar]:
    yield Bar(f"{what}: geometric mean", mean, group.get("geometric_mean"))
    yield Bar(f"{what}: least", least, group.get("minimum"), where=group.get("minimum_model", ""))


def _nets(summary: Found, contests: Sequence[Found]) -> Iterator[Bar]:
    float32 = summary["float32_nets"]
    yield from _group("float32 nets", float32, 1.15, 1.0)
    closed = float32.get("headroom_closed_median")
    yield Bar("float32 nets: headroom closed, median", 50.0, closed and 100 * closed, "%")
    yield from _group("int8 nets and larger models", summary["int8_nets_and_larger"], 1.3, 1.0)
    wanted = ("mobilenet_v2", "int8", 1)
    ratios = [c["ratio"] for c in contests if (c["model"], c["dtype"], c["threads"]) == wanted]
    yield Bar("MobileNet V2 int8", 1.5, ratios[0] if ratios else None)


def _tiny(summary: Found) -> Iterator[Bar]:
    yield from _group("small models, float32", summary["float32_tiny"], 1.3, 1.1)
    yield from _group("small models, int8", summary["int8_tiny"], 2.2, 1.1)


def _calls(calls: Sequence[Found]) -> Iterator[Bar]:
    for kind, limit, name in (("run", 2.5, "package.run"), ("bound", 1.0, "bind")):
        # Of models that run for milliseconds no microseconds can be told from the noise.
        known = [{**c, **c[kind]} for c in calls if c.get(kind)]
        told = [c for c in known if c["spread_us"] <= limit / 2]
        value, where = _worst(told, "us", least=False)
        if told and len(told) < len(known):
            where += f"; {len(known) - len(told)} of {len(known)} are within the noise"
        yield Bar(f"{name} above the call in C", limit, value, "us", where, at_most=True)
    value, where = _worst(calls, "ratio")
    yield Bar("package.run beside the peers' own calls: least", 1.0, value, where=where)


def _trees(trees: Sequence[Found]) -> Iterator[Bar]:
    for batch, limit in ((1, 5.0), (1000, 1.5)):
        value, where = _worst((t for t in trees if t["batch"] == batch), "ratio")
        yield Bar(f"trees beside ONNX Runtime, batch {batch}: least", limit, value, where=where)


def _threads(nets: Sequence[Found]) -> Iterator[Bar]:
    value, where = _worst((n for n in nets if n["model"] in TWO_THREADS), "speedup")
    yield Bar("two threads by one: least of ResNet-50, Inception v3", 1.8, value, where=where)
    value, where = _worst(nets, "ratio")
    yield Bar("two threads beside the peers': least", 1.0, value, where=where)


def _layers(shares: Found) -> Iterator[Bar]:
    least = shares.get("least_of_large", {})
    for kind, limit, name in (("f32", 85.0, "float32"), ("s8", 75.0, "int8")):
        share = least.get(kind)
        what = f"convolutions >= 50 MMAC, direct, {name}: of peak"
        yield Bar(what, limit, share and 100 * share, "%")


def _load(loads: Sequence[Found]) -> Iterator[Bar]:
    for dtype in ("float32", "int8"):
        wanted = ("mobilenet_v2", dtype)
        one = next((x for x in loads if (x["model"], x["dtype"]) == wanted), {})
        took = one.get("load_us")
        what = f"MobileNet V2 {dtype}: load and first inference"
        yield Bar(what, 5.0, took and took / 1e3, "ms", at_most=True)
        yield Bar(f"{what}, beside the best peer", 5.0, one.get("ratio"))


def _build(times: Found) -> Iterator[Bar]:
    for key, limit, name in (("cold_s", 10.0, "cold"), ("cached_s", 0.5, "from the cache")):
        yield Bar(f"build of MobileNet V2, {name}", limit, times.get(key), "s", at_most=True)


def _accuracy(errors: Sequence[Found]) -> Iterator[Bar]:
    value, where = _worst(errors, "ratio", least=False)
    yield Bar("rms error by ONNX Runtime's: most", 2.0, value, "x", where, at_most=True)


def _code(sizes: Found) -> Iterator[Bar]:
    for name, levels in sizes.items():
        where = max(levels, key=lambda level: int(levels[level])) if levels else ""
        value = levels[where] / 1e3 if levels else None
        what = f"code of {name} at one level: most"
        yield Bar(what, 120.0, value, "KB", where, at_most=True)
