from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from benchmarks.roofline import Roofline
from benchmarks.subjects import Subject
from benchmarks.summary import Row, contests, rows, summary

from edgewright.bench.answers import difference
from edgewright.bench.interleave import Taken, ratio


def taken(runtime: str, blocks: Sequence[float]) -> Taken:
    return Taken(runtime, hello={"load_us": 10.0}, blocks=list(blocks))


def measured(dtype: str, **blocks: Sequence[float]) -> list[Row]:
    subject = Subject("net", dtype, "tiny", lambda: Path("net.tflite"))
    return rows(subject, 1, {name: taken(name, times) for name, times in blocks.items()})


def test_a_ratio_is_that_of_neighbouring_rounds() -> None:
    # The machine slows down by ten in the last rounds: that slows both.
    ours, theirs = taken("edgewright", [1, 1, 10, 10]), taken("litert", [2, 2, 20, 20])
    assert ratio(theirs, ours) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize(
    ("theirs", "verdict"),
    [([12, 12, 13, 11], "ahead"), ([8, 8, 9, 8], "behind"), ([8, 12, 9, 13], "noise")],
)
def test_no_winner_is_named_inside_the_noise(theirs: list[float], verdict: str) -> None:
    (contest,) = contests(measured("int8", edgewright=[10, 10, 10, 10], litert=theirs), None)
    assert contest["verdict"] == verdict


def test_the_best_peer_counts_and_no_other() -> None:
    found = measured("int8", edgewright=[4, 4], litert=[8, 8], openvino=[6, 6])
    (contest,) = contests(found, None)
    assert (contest["best_peer"], contest["ratio"]) == ("openvino", 1.5)
    assert summary(found, None)["int8_tiny"]["minimum"] == 1.5


def test_a_peer_that_answers_something_else_does_not_count() -> None:
    found = measured("float32", edgewright=[4, 4], litert=[8, 8], openvino=[1, 1])
    next(r for r in found if r["runtime"] == "openvino")["difference"] = 0.05  # bfloat16, say
    assert contests(found, None)[0]["best_peer"] == "litert"


def test_a_failure_is_a_row_with_its_reason() -> None:
    subject = Subject("net", "int8", "tiny", lambda: Path("net.tflite"))
    (row,) = rows(subject, 1, {"ncnn": Taken("ncnn", failure="cannot read the file")})
    assert row["failure"] == "cannot read the file"
    assert "median_us" not in row


def test_results_are_compared_whatever_their_layout(tmp_path: Path) -> None:
    image = np.arange(12, dtype=np.float32).reshape(1, 3, 2, 2)
    np.savez(tmp_path / "a.npz", image)
    np.savez(tmp_path / "b.npz", image.transpose(0, 2, 3, 1))
    np.savez(tmp_path / "c.npz", image * 1.1)
    np.savez(tmp_path / "d.npz", image[0, 0])
    assert difference(tmp_path / "a.npz", tmp_path / "b.npz") == 0.0
    assert difference(tmp_path / "a.npz", tmp_path / "c.npz") == pytest.approx(0.1)
    assert difference(tmp_path / "a.npz", tmp_path / "d.npz") == float("inf")


def test_a_bound_is_arithmetic_or_the_way_of_the_weights() -> None:
    roof = Roofline(float32=2e6, int8=8e6, l2=4e6, l3=2e6, memory=1e6)
    convolution = {"nodes": [(100, 50, 8, 1)]}
    assert roof.bound_us(convolution, "float32", direct=True) == pytest.approx(100.0)
    assert roof.bound_us(convolution, "float32") == pytest.approx(50.0)
    assert roof.bound_us(convolution, "int8", direct=True) == pytest.approx(25.0)
    assert roof.bound_us({"nodes": [(1, 1, 400, 10)]}, "float32") == pytest.approx(1000.0)
