"""Timing a model beside other runtimes: the files they get, and what the report says."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgewright.bench.interleave import OURS
from edgewright.errors import InvalidOption
from edgewright.pipeline import load_model
from edgewright.pipeline.bench import Ratio, bench
from edgewright.pipeline.bench_elsewhere import DeviceReport, DeviceRow
from edgewright.pipeline.peers import Unable, file_for, known


@pytest.fixture(scope="module")
def digits(examples: Path) -> Path:
    return examples / "models" / "digits_int8.onnx"


def test_a_model_is_built_and_timed_beside_a_file_of_another_format(digits: Path) -> None:
    report = bench(digits, ["litert"], seconds=0.02)
    assert [row.runtime for row in report.rows] == [OURS, "litert"], report.absent
    assert report.rows[1].file == ".tflite written by edgewright convert"
    for row in report.rows:
        assert row.median_us > 0
        assert row.load_us > row.median_us
        assert row.peak_bytes > 0
        assert row.difference < 0.1
    assert report.measured


def test_a_runtime_gets_the_models_own_file_where_it_reads_that(
    digits: Path, tmp_path: Path
) -> None:
    own = file_for("onnxruntime", load_model(digits), tmp_path)
    assert own.path == digits
    made = file_for("litert", load_model(digits), tmp_path)
    assert made.path.parent == tmp_path
    assert len(made.layouts) == 1


def test_a_runtime_that_no_file_can_be_made_for_is_told_apart(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(Unable, match=r"reads \.pickle, not \.onnx"):
        file_for("sklearn", load_model(digits), tmp_path)


def test_we_are_not_our_own_peer() -> None:
    assert OURS not in known()
    with pytest.raises(InvalidOption, match="'edgewright'"):
        bench("model.onnx", [OURS])


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.1, 1.3, "ahead"),
        (0.8, 0.9, "behind"),
        (0.9, 1.3, "noise"),
        (1.0, 1.2, "noise"),
        (1.003, 1.004, "noise"),
        (0.996, 0.997, "noise"),
    ],
)
def test_a_winner_is_named_only_where_the_quartiles_agree(
    low: float, high: float, verdict: str
) -> None:
    assert Ratio((low + high) / 2, low, high).verdict == verdict


@pytest.mark.parametrize(
    ("times", "best"),
    [([(1, 10.0), (2, 6.0), (4, 7.0)], 2), ([(1, 10.0), (2, 6.0), (4, 6.1)], None)],
)
def test_the_best_count_of_threads_stands_apart(
    times: list[tuple[int, float]], best: int | None
) -> None:
    rows = [DeviceRow(threads, median, 0.2, 100) for threads, median in times]
    report = DeviceReport("net", "ssh://x", "linux-arm64", "neon", "", 1.0, rows)
    assert report.to_json()["best_threads"] == best
