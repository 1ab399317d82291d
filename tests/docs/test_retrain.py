"""The page on retraining: new weights fit the old code byte for byte; another network's do not."""

import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest

import edgewright as ew
from edgewright.errors import InvalidPackage

ROOT = Path(__file__).resolve().parent.parent.parent
MODELS = ROOT / "examples" / "models"
NAMES = ("float", "int8")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    pytest.importorskip("sklearn")
    path = ROOT / "examples" / "train_digits.py"
    spec = importlib.util.spec_from_file_location("train_digits", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["train_digits"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def packages(script: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packages old_float, old_int8 of the committed models, new_* of ones trained otherwise."""
    folder = tmp_path_factory.mktemp("retrain")
    (pixels, labels), _ = script.read_data()
    x = script.to_input(pixels)
    net = script.network()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(script, "EPOCHS", 1)
        script.train(net, x, labels, np.random.default_rng(1))
    onnx.save(script.to_onnx(net), folder / "digits_float.onnx")
    script.quantize(folder / "digits_float.onnx", folder / "digits_int8.onnx", x[:64])
    for name in NAMES:
        for age, source in (("old", MODELS), ("new", folder)):
            model = ew.load_model(source / f"digits_{name}.onnx")
            ew.build(model, targets=["host"], out=folder / f"{age}_{name}", name="digits")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_only_the_weights_differ(packages: Path, name: str) -> None:
    old, new = (packages / f"{age}_{name}" / "targets" / "host" for age in ("old", "new"))
    names = {path.name for path in old.iterdir()}
    assert names >= {"model.c", "model.h", "main.c", "libdigits.so", "weights.bin"}
    differing = {n for n in names if (old / n).read_bytes() != (new / n).read_bytes()}
    assert differing == {"weights.bin"}


@pytest.mark.parametrize("name", NAMES)
def test_the_old_code_runs_the_new_weights(packages: Path, name: str, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    shutil.copytree(packages / f"old_{name}", mixed)
    weights = packages / f"new_{name}" / "targets" / "host" / "weights.bin"
    shutil.copy(weights, mixed / "targets" / "host" / "weights.bin")
    image = {"image": np.random.default_rng(0).random((1, 1, 8, 8), np.float32)}
    scores = [
        ew.load_package(folder).run(image)["scores"]
        for folder in (mixed, packages / f"new_{name}", packages / f"old_{name}")
    ]
    assert scores[0].tobytes() == scores[1].tobytes() != scores[2].tobytes()


def test_weights_of_another_network_are_refused(packages: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    shutil.copytree(packages / "old_float", mixed)
    weights = packages / "old_int8" / "targets" / "host" / "weights.bin"
    shutil.copy(weights, mixed / "targets" / "host" / "weights.bin")
    image = {"image": np.zeros((1, 1, 8, 8), np.float32)}
    with pytest.raises(InvalidPackage):
        ew.load_package(mixed).run(image)
