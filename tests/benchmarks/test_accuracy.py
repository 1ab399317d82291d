from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.files import Prepared
from benchmarks.subjects import Subject

from benchmarks import accuracy


@pytest.mark.parametrize(
    ("values", "macs", "count"),
    [
        (2, 7_500_000, accuracy.MOST_SAMPLES),  # two classes
        (1000, 300_000_000, 5),
        (1000, 5_700_000_000, 1),  # the reference would take minutes
        (1000, 1_000_000_000, 2),
        (100_000, 1000, 1),
        (0, 0, accuracy.MOST_SAMPLES),
    ],
)
def test_few_values_take_more_samples(values: int, macs: int, count: int) -> None:
    assert accuracy.sample_count(values, macs) == count


def test_errors_are_a_share_of_the_range_of_all_samples(tmp_path: Path) -> None:
    wanted, outputs = tmp_path / "wanted.npz", tmp_path / "outputs.npz"
    np.savez(wanted, np.array([[0.0, 1.0]]), np.array([[3.0, 4.0]]))
    np.savez(outputs, np.array([[0.0, 1.0]]), np.array([[3.0, 5.0]]))
    assert accuracy.rms(outputs, wanted) == pytest.approx(0.5 / 4)
    np.savez(outputs, np.array([[0.0, 1.0]]))
    assert accuracy.rms(outputs, wanted) is None


def test_samples_are_turned_as_the_file_wants_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accuracy, "place", lambda _: tmp_path)
    subject = Subject("net", "float32", "nets", lambda: tmp_path / "net.onnx")
    plain = Prepared(tmp_path / "net.onnx", tmp_path / "inputs-onnx.npz")
    turned = Prepared(tmp_path / "net.tflite", tmp_path / "inputs-tflite.npz", ((0, 2, 1), (0,)))
    assert accuracy.samples(subject, plain) is None
    image, rate = np.arange(6.0).reshape(1, 2, 3), np.array([7.0])
    np.savez(tmp_path / "samples-source.npz", image, rate, image + 1, rate)
    assert accuracy.samples(subject, plain) == tmp_path / "samples-source.npz"
    path = accuracy.samples(subject, turned)
    assert path is not None
    with np.load(path) as file:
        got = [file[k] for k in file.files]
    assert [a.shape for a in got] == [(1, 3, 2), (1,)] * 2
    np.testing.assert_array_equal(got[2], (image + 1).transpose(0, 2, 1))
