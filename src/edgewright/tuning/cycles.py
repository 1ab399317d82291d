"""Cycles of the inner loops of 64-bit Arm kernels, by LLVM's models of the CPUs (`llvm-mca`).

The kernels are compiled to assembly as packages are; of each, the loop with the most multiply-adds
is run through the model. Nothing is executed, so any machine will do. What the models do not know:
caches, and what lies between two passes of a loop.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgewright.codegen.kernels import paste
from edgewright.errors import InternalError, MissingCompiler
from edgewright.targets import Level, Target
from edgewright.toolchain import Compiler, flags

#: the newest that is installed is taken
PROGRAMS = ("llvm-mca-21", "llvm-mca-20", "llvm-mca-19", "llvm-mca")
CPUS = ("cortex-a55", "cortex-a76", "neoverse-n1", "apple-m1")
ITERATIONS = 200
#: multiply-adds of one instruction, by its name and the lanes of its result
PRODUCTS = {("fmla", "4s"): 4, ("sdot", "4s"): 16, ("smmla", "4s"): 32, ("smlal", "4s"): 4,
            ("smlal2", "4s"): 4, ("smull", "8h"): 8, ("smull2", "8h"): 8, ("mla", "4s"): 4,
            ("smlal", "8h"): 8, ("smlal2", "8h"): 8}  # fmt: skip
#: the multiply-add of a kernel's kind, by level, for the bound
BOUNDS = {
    ("f32", ""): "fmla v{d}.4s, v30.4s, v31.s[1]",
    ("q8", "neon"): "smull v{d}.8h, v30.8b, v31.8b",
    ("q8", "dotprod"): "sdot v{d}.4s, v30.16b, v31.4b[1]",
    ("q8", "i8mm"): "smmla v{d}.4s, v30.16b, v31.16b",
    ("s8", ""): "smlal v{d}.4s, v30.4h, v31.4h",
}
HEADERS = ("conv_f32.h", "conv_q8.h", "depthwise_f32.h", "depthwise_q8.h")


@dataclass(frozen=True)
class Loop:
    """An innermost loop: its assembly, and the multiply-adds of one pass."""

    text: str
    products: int

    @property
    def instructions(self) -> int:
        """Instructions of one pass."""
        return len(self.text.splitlines())


@cache
def program() -> str:
    """The path of llvm-mca. Raises MissingCompiler when it is not installed."""
    for name in PROGRAMS:
        if found := shutil.which(name):
            return found
    raise MissingCompiler(
        "llvm-mca was not found: without it there is no model of Arm CPUs to tune by",
        help="apt-get install llvm-19",
    )


def features(level: Level) -> str:
    """What llvm-mca has to be told of a level: `-mattr`."""
    return ",".join(f"+{name}" for name in level.cpu.split("+")[1:])


def assembly(
    target: Target, level: Level, compiler: Compiler, kernels: Sequence[str], macros: Sequence[str]
) -> str:
    """Kernels of a level, compiled as packages are.

    Args:
        target: 64-bit Arm.
        level: of it.
        compiler: zig or clang.
        kernels: the names of functions in HEADERS.
        macros: `NAME VALUE`, as `Target.macros`.
    """
    defined = "".join(f"#define {macro}\n" for macro in macros)
    used = f"void *const used[] = {{{', '.join(kernels)}}};\n"
    source = defined + paste(["interface.h", *HEADERS]) + used
    command = [
        *compiler.command, *compiler.platform_flags(target, level), *flags.COMPILE, *flags.LIBRARY,
        "-Wno-unused-command-line-argument", "-S", "mca.c", "-o", "mca.s",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "mca.c").write_text(source, encoding="utf-8")
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InternalError(f"the kernels could not be compiled: {done.stderr[:500]}")
        return Path(folder, "mca.s").read_text(encoding="utf-8")


def functions(text: str) -> dict[str, list[str]]:
    """The lines of each function of an assembly file."""
    parts = re.split(r"^(ew_\w+):.*$", text, flags=re.MULTILINE)
    return {
        name: body.split(".Lfunc_end")[0].splitlines()
        for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def products(lines: Sequence[str]) -> int:
    """Multiply-adds of some instructions."""
    found = (re.match(r"\t(\w+)\tv\d+\.(\w+)", line) for line in lines)
    return sum(PRODUCTS.get((m[1], m[2]), 0) for m in found if m)


def loops(lines: Sequence[str]) -> Iterator[Loop]:
    """The innermost loops: from a label to a branch back to it, with no other such within."""
    labels: dict[str, int] = {}
    last = -1
    for index, line in enumerate(lines):
        if label := re.match(r"(\.LBB\w+):", line):
            labels[label[1]] = index
        branch = re.match(r"\t(?:b\.\w+|cbn?z|tbn?z)\t.*?(\.LBB\w+)", line)
        if branch and (start := labels.get(branch[1], -1)) > last:
            last = start
            code = [text for text in lines[start : index + 1] if re.match(r"\t[a-z]", text)]
            yield Loop("\n".join(text.split("//")[0] for text in code), products(code))


def main_loop(lines: Sequence[str]) -> Loop:
    """The loop with the most multiply-adds. Raises InternalError where there is no loop."""
    found = list(loops(lines))
    if not found:
        raise InternalError("a kernel has no loop that llvm-mca could be asked about")
    return max(found, key=lambda loop: loop.products)


@cache
def cycles(text: str, cpu: str, attributes: str) -> float:
    """Cycles of one pass in the steady state; `attributes` as `features` gives them."""
    command = [program(), "-mtriple=aarch64-linux-gnu", f"-mcpu={cpu}",
               f"-iterations={ITERATIONS}"]  # fmt: skip
    command += [f"-mattr={attributes}"] if attributes else []
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    total = re.search(r"Total Cycles:\s+(\d+)", done.stdout)
    if total is None:
        raise InternalError(f"llvm-mca said nothing of {cpu}: {done.stderr[:500]}")
    return int(total[1]) / ITERATIONS


def bound(kernel: str, level: str, cpu: str, attributes: str) -> float:
    """Cycles for a multiply-add of a kernel's kind when there is nothing else to do."""
    kind = next(kind for kind in ("f32", "q8", "s8") if f"_{kind}_" in kernel)
    product = BOUNDS.get((kind, level)) or BOUNDS[kind, ""]
    text = "\n".join("\t" + product.format(d=d).replace(" ", "\t", 1) for d in range(24))
    return cycles(text, cpu, attributes) / products(text.splitlines())
