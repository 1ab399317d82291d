"""The code of MobileNet V2 stays small: 120 KB at each instruction set level."""

from __future__ import annotations

from pathlib import Path

import pytest

import edgewright as ew
from benchmarks import nets
from edgewright import targets, toolchain
from edgewright.codegen import generate

MOST_BYTES = 120_000


@pytest.mark.parametrize("level", [level.name for level in targets.get("host").levels])
def test_mobilenet_v2_at_one_level(level: str, model_c: tuple[str, str]) -> None:
    source, header = model_c
    host = targets.get("host")
    chosen = next(one for one in host.levels if one.name == level)
    flags = [f"-DEW_LEVEL={level}"]
    built = toolchain.compile_object(
        source, host, chosen, includes={"model.h": header}, extra_flags=flags
    )
    binary = toolchain.read_binary(built)
    assert 10_000 < binary.text_bytes + binary.rodata_bytes <= MOST_BYTES


@pytest.fixture(scope="module")
def model_c(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The source and the header of the float32 net."""
    path: Path = nets.write("mobilenet_v2", tmp_path_factory.mktemp("nets"))
    code = generate(ew.load_model(path).module, targets.get("host"), "mobilenet_v2")
    return code.model_c, code.model_h
