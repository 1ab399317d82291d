"""Every command of the tutorial works, in the order in which a reader types them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TUTORIAL = (ROOT / "docs" / "tutorial" / "first-model.md").read_text()
COMMANDS = re.findall(r"^    edgewright (.*)$", TUTORIAL, re.MULTILINE)
PROGRAMS = re.findall(r"```python\n(.*?)```", TUTORIAL, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone as the reader has it, as far as the tutorial goes."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_commands_and_the_program_work_in_order(folder: Path) -> None:
    assert len(COMMANDS) >= 6
    for command in COMMANDS:
        run(folder, "-c", "from edgewright.cli import main; main()", *command.split())
    assert len(PROGRAMS) == 1
    assert run(folder, "-c", PROGRAMS[0]).strip() == "9"
    for file in ("manifest.json", "graph.txt", "vectors", "targets/host/model.c"):
        assert (folder / "digits" / file).exists(), file
