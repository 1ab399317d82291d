"""The committed demo: checksums, accuracy in the reference runtime, training script."""

import csv
import hashlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="module")
def script(examples: Path) -> ModuleType:
    pytest.importorskip("sklearn")
    spec = importlib.util.spec_from_file_location("train_digits", examples / "train_digits.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["train_digits"] = module
    spec.loader.exec_module(module)
    return module


def test_every_file_has_its_checksum(examples: Path) -> None:
    lines = (examples / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
    files = {
        path.relative_to(examples).as_posix()
        for pattern in ("models/*.onnx", "digits/*.*")
        for path in examples.glob(pattern)
    }
    assert files == set(sums)
    for name, digest in sums.items():
        assert hashlib.sha256((examples / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("model", ["digits_float", "digits_int8"])
def test_the_models_know_the_saved_digits(model: str, examples: Path) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(examples / "models" / f"{model}.onnx")
    with (examples / "digits" / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    right = 0
    for row in rows:
        pixels = np.asarray(Image.open(examples / "digits" / row["file"]), np.float32)
        scores = session.run(None, {"image": (pixels / np.float32(255))[None, None]})[0]
        right += scores.argmax() == int(row["label"])
    assert len(rows) == 100
    assert right >= 97  # 99 where it was made; integer kernels of the runtime differ between CPUs


def test_the_saved_images_are_those_of_the_script(script: ModuleType, examples: Path) -> None:
    _, (pixels, labels) = script.read_data()
    assert labels[:3].tolist() == [
        int(line.split(",")[1])
        for line in (examples / "digits" / "labels.csv").read_text().splitlines()[1:4]
    ]
    saved = np.asarray(Image.open(examples / "digits" / "000.png"))
    assert (saved == pixels[0]).all()


def test_training_follows_the_gradient(script: ModuleType) -> None:
    """Every gradient of the hand-written backward pass, against differences of the loss."""
    rng = np.random.default_rng(3)
    net = script.network()
    net.start(rng)
    for parameter in net.parameters():
        parameter += rng.normal(0, 0.1, parameter.shape).astype(np.float32)
    x, wanted = rng.random((2, 1, 8, 8), np.float32), rng.random((2, 10), np.float32)
    net.forward(x)
    gradients = net.backward(wanted)
    for parameter, gradient in zip(net.parameters(), gradients, strict=True):
        direction = gradient / np.linalg.norm(gradient)
        values = []
        for sign in (1, -1):
            parameter += np.float32(sign * 1e-2) * direction
            values.append(float((net.forward(x).astype(np.float64) * wanted).sum()))
            parameter -= np.float32(sign * 1e-2) * direction
        slope = (values[0] - values[1]) / 2e-2
        assert slope == pytest.approx(np.linalg.norm(gradient), rel=0.05)


def test_the_contract_fits_the_models(examples: Path) -> None:
    from edgewright.data import contract

    found = contract.path_beside(examples / "models" / "digits_int8.onnx")
    assert found is not None
    known = contract.load(found)
    known.check_names(["image"], ["scores"], found)
    assert known.input("image", 0).value_range() == (0, 1)
    assert [known.output("scores", 0).label(i) for i in (0, 9)] == ["0", "9"]
