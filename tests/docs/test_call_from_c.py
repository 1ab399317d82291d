"""The page on C: a package's own command builds its program, and the page's fragment compiles."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import edgewright as ew

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "how-to" / "call-from-c.md").read_text()


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `targets/host` of the demo model's package, built under the page's name."""
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler called cc")
    out = tmp_path_factory.mktemp("package") / "digits"
    model = ew.load_model(ROOT / "examples" / "models" / "digits_float.onnx")
    ew.build(model, targets=["host"], out=out, name="digits")
    return out / "targets" / "host"


def test_the_command_in_main_c_builds_a_program_that_answers(target: Path) -> None:
    command = re.search(r"^ +(cc .*)$", (target / "main.c").read_text(), re.MULTILINE)
    assert command is not None
    subprocess.run(command[1].split(), cwd=target, check=True)
    image = np.zeros((1, 1, 8, 8), np.float32)
    program = [str(target / "digits"), "weights.bin"]
    done = subprocess.run(
        program, cwd=target, input=image.tobytes(), check=True, capture_output=True
    )
    package = ew.load_package(target.parent.parent)
    wanted = package.run({"image": image})["scores"]
    np.testing.assert_allclose(np.frombuffer(done.stdout, np.float32), wanted[0], atol=1e-5)


def test_the_fragment_of_the_page_compiles(target: Path) -> None:
    fragment = re.search(r"```c\n(.*?)```", PAGE, re.DOTALL)
    assert fragment is not None
    (target / "fragment.c").write_text(fragment[1])
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-c"]
    subprocess.run(["cc", *flags, "fragment.c", "-o", "fragment.o"], cwd=target, check=True)
