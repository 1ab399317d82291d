"""The contract in a file is the contract that is read from it; LiteRT does not mind it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from edgewright.data.contract import Contract, Input, ModelInfo, Output
from edgewright.exporters.tflite import export
from edgewright.exporters.tflite.metadata import runtime_version
from edgewright.importers.tflite.metadata import contract_of
from edgewright.importers.tflite.reader import parse
from tests.exporters.tflite.harness import codes_of, floats, litert
from tests.ops.harness import one_node, quantised

FULL = Contract(
    model=ModelInfo(name="a net", version="2", author="someone", licence="MIT", description="it"),
    inputs=(Input(name="x0", kind="image", colour="gray", mean=(127.5,), scale=(1 / 128,)),),
    outputs=(Output(name="y0", kind="classes", labels=("cat", "dog"), score_threshold=0.25),),
)


def stored(contract: Contract, folder: Path) -> Contract:
    module, feeds = one_node("softmax", [floats(1, 2)])
    made = export(module, contract=contract)
    assert export(module, contract=contract).data == made.data
    np.testing.assert_allclose(litert(made.data, feeds)["y0"].sum(), 1, rtol=1e-6)
    path = folder / "model.tflite"
    path.write_bytes(made.data)
    return contract_of(path, ["x0"], ["y0"])


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    assert stored(FULL, tmp_path) == FULL


def test_labels_are_in_an_archive_without_times(tmp_path: Path) -> None:
    stored(FULL, tmp_path)
    with zipfile.ZipFile(tmp_path / "model.tflite") as archive:
        (info,) = archive.infolist()
        assert (info.filename, info.date_time) == ("labels.txt", (1980, 1, 1, 0, 0, 0))
        assert archive.read(info) == b"cat\ndog\n"


def test_a_contract_that_says_nothing_leaves_no_metadata() -> None:
    module, _ = one_node("softmax", [floats(1, 2)])
    made = export(module, contract=Contract(inputs=(Input(name="x0"),)))
    assert list(parse(made.data, "x").metadata) == ["min_runtime_version"]
    assert not zipfile.is_zipfile(io.BytesIO(made.data))


def test_bytes_that_are_taken_as_they_are(tmp_path: Path) -> None:
    contract = Contract(inputs=(Input(name="x0", kind="image", values="stored"),))
    module, _ = one_node(
        "reshape", [quantised(codes_of("uint8", 1, 2, 2, 3), 0.05, 100)], shape=(12,)
    )
    path = tmp_path / "model.tflite"
    path.write_bytes(export(module, contract=contract).data)
    assert contract_of(path, ["x0"], ["y0"]).inputs == contract.inputs


def test_what_metadata_cannot_say_is_noted() -> None:
    module, _ = one_node("softmax", [floats(1, 2)])
    contract = Contract(inputs=(Input(name="x0", kind="image", colour="bgr"),))
    assert export(module, contract=contract).notes == (
        "metadata cannot say that 'x0' takes BGR images",
    )


def test_the_oldest_runtime_takes_sixteen_bytes() -> None:
    assert runtime_version("TFLite 2.3") == b"2.3.0" + bytes(11)
    assert runtime_version("TFLite 1.13.1") == b"1.13.1" + bytes(10)
