"""What compiled kernels look like: no warnings, no libc, no large locals, no hidden fusing."""

import functools
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from tests.kernels.harness import FLAGS, HERE, KERNELS, ZIG, Level

HEADERS = sorted(path.name for path in KERNELS.glob("*.h"))
ALLOWED = {"memcpy", "memset"}
LARGEST_FRAME = 2048  # bytes


def compile_only(command: list[str], source: Path, out: Path) -> None:
    """Compile one file; warnings are errors."""
    line = [*command, *FLAGS, f"-I{KERNELS}", f"-I{HERE}", "-ffreestanding", "-fPIC"]
    line += ["-c", str(source), "-o", str(out)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
@pytest.mark.parametrize("header", HEADERS)
def test_header_stands_alone(header: str, tmp_path: Path) -> None:
    """Each header includes what it needs, and gcc finds nothing to warn of."""
    source = tmp_path / "one.c"
    source.write_text(f'#include "{header}"\nint nothing;\n')
    compile_only(["gcc", "-march=x86-64-v4", "-mavx512vnni"], source, tmp_path / "one.o")


_FOLDER = tempfile.TemporaryDirectory(prefix="ew-code-")


@functools.cache
def compile_all(level: Level) -> Path:
    """All kernels as an object file."""
    out = Path(_FOLDER.name) / f"{level.name}.o"
    frame = f"-Wframe-larger-than={LARGEST_FRAME}"
    compile_only([*ZIG, *level.flags, frame], HERE / "entry.c", out)
    return out


@pytest.fixture
def compiled(level: Level) -> Path:
    """All kernels of a level."""
    return compile_all(level)


def test_needs_no_libc(compiled: Path) -> None:
    """Beyond memcpy and memset nothing is called; no frame is larger than allowed."""
    if shutil.which("nm") is None:
        pytest.skip("nm is not installed")
    done = subprocess.run(["nm", "-u", compiled], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) - {"U", "_GLOBAL_OFFSET_TABLE_"} <= ALLOWED


def test_requantization_is_not_fused(compiled: Path) -> None:
    """A fused multiply-add would round once where the arithmetic says twice."""
    if shutil.which("objdump") is None:
        pytest.skip("objdump is not installed")
    done = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", compiled],
        capture_output=True,
        text=True,
        check=True,
    )
    functions = re.split(r"^[0-9a-f]+ <(\w+)>:$", done.stdout, flags=re.MULTILINE)
    bodies = dict(zip(functions[1::2], functions[2::2], strict=True))
    quantised = [body for name, body in bodies.items() if re.search(r"_[su]8_(float|fixed)", name)]
    assert len(quantised) >= 4  # where EW_SMALL shares epilogues; more elsewhere
    assert not any(re.search(r"\bvf[n]?m(add|sub)", body) for body in quantised)


CROSS = {
    "aarch64-linux-gnu-gcc": ("-march=armv8-a", "-march=armv8.2-a+dotprod+i8mm"),
    "arm-linux-gnueabihf-gcc": ("-march=armv7-a -mfpu=neon-vfpv4",),
    "riscv64-linux-gnu-gcc": ("-march=rv64gc",),
}


@pytest.mark.parametrize("compiler", sorted(CROSS))
def test_cross_gcc(compiler: str, tmp_path: Path) -> None:
    """A vendor's gcc finds nothing to warn of in the vocabularies of other CPUs either."""
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    for flags in CROSS[compiler]:
        command = [compiler, *flags.split(), "-Wno-psabi"]
        compile_only(command, HERE / "entry.c", tmp_path / "all.o")
