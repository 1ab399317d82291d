from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from edgewright.bench import runtimes, worker


@pytest.fixture
def doubling(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime whose model doubles its input and counts how often it was loaded."""

    def load(path: Path, arrays: Sequence[runtimes.Array], threads: int) -> runtimes.Loaded:
        held: list[runtimes.Array] = []

        def run() -> None:
            held[:] = [2 * array for array in arrays]

        return runtimes.Loaded(run, run, lambda: held)

    runtime = ModuleType("doubling")
    runtime.__dict__.update(
        PACKAGES=(), load=load, prepare=lambda: None, version=lambda: "1",
    )  # fmt: skip
    monkeypatch.setattr(runtimes, "get", lambda _: runtime)
    monkeypatch.setattr(worker, "forget_peak", lambda: None)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_results_of_further_samples_follow_one_another(tmp_path: Path, doubling: None) -> None:
    model = tmp_path / "model"
    model.write_bytes(b"")
    inputs, samples, outputs = (tmp_path / f"{n}.npz" for n in ("inputs", "samples", "outputs"))
    np.savez(inputs, np.array([1.0]), np.array([2.0]))
    np.savez(samples, *np.array([[1.0], [2.0], [3.0], [4.0]]))
    one = worker.Worker("doubling", model, inputs, 1)
    assert one.answer({"outputs": str(outputs)})["peak_bytes"] >= 0
    assert [a.tolist() for a in worker.contents(outputs)] == [[2.0], [4.0]]
    one.answer({"outputs": str(outputs), "samples": str(samples)})
    assert [a.tolist() for a in worker.contents(outputs)] == [[2.0], [4.0], [6.0], [8.0]]
