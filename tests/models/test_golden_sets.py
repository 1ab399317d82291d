"""The inputs and exact outputs that TFLite Micro's own tests carry."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgewright.artifact import Package
from tests.models.catalog import Case, find

pytestmark = pytest.mark.models
Builder = Callable[[Case, str], Package]


def outputs(models: Path, package: Package, folder: str) -> dict[str, npt.NDArray[Any]]:
    """What the compiled model makes of each file, by the file's name."""
    (info,) = package.inputs
    shape = [int(d) for d in info.shape]
    found = {}
    for path in sorted((models / folder / "golden_tflm_int8").glob("*.dat")):
        image = np.frombuffer(path.read_bytes(), np.int8).reshape(shape)
        found[path.stem] = package.run({info.name: image})[package.outputs[0].name].ravel()
    return found


@pytest.mark.parametrize(("folder", "count"), [("cifar10", 10), ("kws", 12)])
def test_outputs_are_tflite_micros(
    models: Path, package_of: Builder, folder: str, count: int
) -> None:
    known = json.loads((models / "golden_tflm_expected.json").read_text())[folder]
    expected = known["expected_int8_output"]
    found = outputs(models, package_of(find(known["model"]), "fixed"), folder)
    assert len(found) == count
    assert {name: y.tolist() for name, y in found.items()} == expected


def test_visual_wake_words(models: Path, package_of: Builder) -> None:
    """Only the difference of the two scores is known."""
    known = json.loads((models / "golden_tflm_expected.json").read_text())["vww"]
    found = outputs(models, package_of(find(known["model"]), "fixed"), "vww")
    differences = {name: int(y[1]) - int(y[0]) for name, y in found.items()}
    assert len(differences) == 4
    assert differences == known[next(k for k in known if k.startswith("expected"))]
