"""Instruction counts: where there is no emulator, and the command that shows them."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgewright import targets
from edgewright.cli import cli
from edgewright.errors import MissingRunner
from edgewright.pipeline.instructions import count_instructions

M4 = targets.get("cortex-m4")


def test_nothing_counts_on_this_machine_itself(examples: Path) -> None:
    with pytest.raises(MissingRunner, match="host runs natively here") as caught:
        count_instructions(examples / "models/digits_int8.onnx", "host")
    assert caught.value.help == "edgewright profile measures time instead"


@pytest.mark.skipif(not targets.available(M4), reason="needs qemu-system-arm")
def test_the_command_prints_every_operator(examples: Path) -> None:
    model = str(examples / "models/digits_int8.onnx")
    done = CliRunner().invoke(cli, ["profile", model, "-t", "cortex-m4", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["target"] == "cortex-m4"
    assert found["total"] > sum(row["instructions"] for row in found["operators"]) > 0
    plain = CliRunner().invoke(cli, ["profile", model, "-t", "cortex-m4"])
    assert f"{found['total']:,} instructions" in plain.stdout


@pytest.mark.skipif(
    bool(targets.available(targets.get("web")).missing) or not find_spec("wasmtime"),
    reason="needs node and wasmtime",
)
def test_a_browser_s_code_is_counted_by_operator(examples: Path) -> None:
    found = count_instructions(examples / "models/digits_int8.onnx", "web")
    again = count_instructions(examples / "models/digits_int8.onnx", "web")
    assert found.nodes == again.nodes
    assert all(node.instructions > 0 for node in found.nodes)
    inside = sum(node.instructions for node in found.nodes)
    assert 0.99 * found.total < inside <= found.total
