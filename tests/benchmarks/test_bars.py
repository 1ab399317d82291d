"""The bars: each is held against what the summary has; an open one is neither met nor missed."""

from __future__ import annotations

from typing import Any

from benchmarks.bars import Bar, bars, lines
from benchmarks.summary import Row, contests, summary


def row(model: str, group: str, dtype: str, runtime: str, us: float, **more: Any) -> Row:
    named = {"model": model, "group": group, "dtype": dtype, "threads": 1, "runtime": runtime}
    return {**named, "median_us": us, "spread": 0.0, **more}


def pair(model: str, group: str, dtype: str, ours: float, theirs: float, **more: Any) -> list[Row]:
    """Our row and ONNX Runtime's."""
    ratio = theirs / ours
    ratios = {"ratio": ratio, "ratio_low": ratio, "ratio_high": ratio}
    peer = {"load_us": 8000.0, "python_us": theirs + 1, "peak_bytes": 200, "rms_error": 1e-7}
    return [
        row(model, group, dtype, "edgewright", ours, **more),
        row(model, group, dtype, "onnxruntime", theirs, **peer, **ratios),
    ]


def found(rows: list[Row], **extra: Any) -> dict[str, Bar]:
    return {bar.what: bar for bar in bars(summary(rows, None) | extra, contests(rows, None))}


ROWS = [
    *pair("mobilenet_v2", "nets", "int8", 10, 16, load_us=4000.0, peak_bytes=100),
    *pair("resnet18", "nets", "int8", 10, 9),
    *pair(
        "dscnn",
        "tiny",
        "float32",
        10,
        12,
        c_us=9.5,
        python_us=12.5,
        rms_error=3e-7,
        run_more={"us": 3.0, "spread_us": 0.1},
        bound_more={"us": 0.5, "spread_us": 0.1},
    ),
    *pair(
        "vww",
        "tiny",
        "float32",
        100,
        120,
        c_us=99,
        python_us=110,
        run_more={"us": 9.0, "spread_us": 20.0},
        bound_more={"us": -3.0, "spread_us": 5.0},
    ),
    *pair("forest_batch1", "trees", "float32", 1, 6),
    *pair("forest_batch1000", "trees", "float32", 10, 12),
]


def test_values_are_the_worst_of_their_kind() -> None:
    known = found(ROWS)
    nets = known["int8 nets and larger models: least"]
    assert (nets.value, nets.where, nets.met) == (0.9, "resnet18", False)
    assert known["MobileNet V2 int8"].met
    run = known["package.run above the call in C"]
    assert (run.value, run.met) == (3.0, False)
    assert run.where == "dscnn-float32; 1 of 2 are within the noise"
    assert known["bind above the call in C"].met
    assert known["package.run beside the peers' own calls: least"].value == 13 / 12.5
    assert known["trees beside ONNX Runtime, batch 1: least"].met
    assert not known["trees beside ONNX Runtime, batch 1000: least"].met
    load = known["MobileNet V2 int8: load and first inference"]
    assert (load.value, load.met) == (4.0, True)
    assert not known["MobileNet V2 int8: load and first inference, beside the best peer"].met
    assert known["rms error by ONNX Runtime's: most"].where == "dscnn"
    assert not known["rms error by ONNX Runtime's: most"].met


def test_what_was_not_measured_stays_open() -> None:
    for bar in found([]).values():
        assert (bar.value, bar.met) == (None, None), bar.what
    _, *rows = lines(found([]).values())
    assert all(row.endswith("-  not measured") for row in rows)


def test_what_is_measured_once() -> None:
    known = found(
        ROWS,
        build_mobilenet_v2={"cold_s": 9.0, "cached_s": 0.6},
        convolutions={"least_of_large": {"f32": 0.9, "s8": 0.7}},
        code_bytes={"MobileNet V2 int8": {"avx2": 50_000, "avx512": 130_000}},
    )
    assert known["build of MobileNet V2, cold"].met
    assert known["build of MobileNet V2, from the cache"].met is False
    assert known["convolutions >= 50 MMAC, direct, float32: of peak"].met
    assert known["convolutions >= 50 MMAC, direct, int8: of peak"].met is False
    code = known["code of MobileNet V2 int8 at one level: most"]
    assert (code.value, code.where, code.met) == (130.0, "avx512", False)


def test_memory_is_told_beside_the_most_frugal_peer() -> None:
    (memory,) = summary(ROWS, None)["memory"]
    assert memory == {
        "model": "mobilenet_v2", "dtype": "int8", "peak_bytes": 100, "ratio": 2.0
    }  # fmt: skip
