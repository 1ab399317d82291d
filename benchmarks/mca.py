"""How good are the inner loops of the 64-bit Arm kernels? Cycles by LLVM's machine models.

    python benchmarks/mca.py [--cpu cortex-a76 apple-m1] [--show ew_tile_f32_full]

Compiles the register tiles for each instruction set level, finds the loop with the most
multiply-adds in the assembly of each kernel, and runs `llvm-mca` on it. The bound is what the same
model gives for nothing but independent multiply-adds of the level: 1.00 would mean that loads and
loop control are free. Nothing is run; an x86 machine will do (`apt-get install llvm-19`).
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

KERNELS = Path(__file__).parent.parent / "src" / "edgewright" / "kernels"
TRIPLE = "aarch64-linux-gnu"
MCA = "llvm-mca-19"
CPUS = ("cortex-a55", "cortex-a76", "neoverse-n1", "neoverse-n2", "apple-m1")
ITERATIONS = 200
# multiply-adds of one instruction, by its name and the lanes of its result
PRODUCTS = {("fmla", "4s"): 4, ("sdot", "4s"): 16, ("smmla", "4s"): 32, ("smlal", "4s"): 4,
            ("smlal2", "4s"): 4, ("smull", "8h"): 8, ("smull2", "8h"): 8, ("mla", "4s"): 4,
            ("smlal", "8h"): 8, ("smlal2", "8h"): 8}  # fmt: skip
# level: zig's CPU, mca's features, and its multiply-add
LEVELS = {
    "neon": ("generic", "", "smull v{d}.8h, v30.8b, v31.8b"),
    "dotprod": ("generic+dotprod", "+dotprod", "sdot v{d}.4s, v30.16b, v31.4b[1]"),
    "i8mm": ("generic+dotprod+i8mm", "+dotprod,+i8mm", "smmla v{d}.4s, v30.16b, v31.16b"),
}
OTHER_PRODUCTS = {"f32": "fmla v{d}.4s, v30.4s, v31.s[1]", "s8": "smlal v{d}.4s, v30.4h, v31.4h"}
SOURCE = """\
#include "conv_f32.h"
#include "conv_q8.h"
#include "depthwise_f32.h"
#include "depthwise_q8.h"
void *const used[] = {ew_tile_f32_full, ew_tile_f32_half, ew_tile_f32_row_4, ew_tile_q8_full,
                      ew_tile_q8_half, ew_tile_q8_row_4, ew_depthwise_f32_span,
                      ew_depthwise_s8_sums};
"""
KINDS = {"f32": ("neon",), "q8": ("neon", "dotprod", "i8mm"), "s8": ("neon",)}


@dataclass(frozen=True)
class Loop:
    """An innermost loop: its assembly, and the multiply-adds of one pass."""

    text: str
    products: int

    @property
    def instructions(self) -> int:
        """Instructions of one pass."""
        return len(self.text.splitlines())


def assembly(level: str) -> str:
    """The kernels of a level, compiled as packages are."""
    with tempfile.TemporaryDirectory() as name:
        source, out = Path(name) / "mca.c", Path(name) / "mca.s"
        source.write_text(SOURCE)
        command = [sys.executable, "-m", "ziglang", "cc", "-target", TRIPLE,
                   f"-mcpu={LEVELS[level][0]}", "-O3", "-std=c11", "-ffp-contract=off",
                   "-fno-math-errno", "-fno-strict-aliasing", "-ffreestanding", f"-I{KERNELS}",
                   "-S", str(source), "-o", str(out)]  # fmt: skip
        subprocess.run(command, check=True)
        return out.read_text()


def functions(text: str) -> dict[str, list[str]]:
    """The lines of each function of an assembly file."""
    parts = re.split(r"^(ew_\w+):.*$", text, flags=re.MULTILINE)
    return {
        name: body.split(".Lfunc_end")[0].splitlines()
        for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def products(lines: list[str]) -> int:
    """Multiply-adds of some instructions."""
    found = (re.match(r"\t(\w+)\tv\d+\.(\w+)", line) for line in lines)
    return sum(PRODUCTS.get((m[1], m[2]), 0) for m in found if m)


def loops(lines: list[str]) -> Iterator[Loop]:
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


def main_loop(lines: list[str]) -> Loop:
    """The loop with the most multiply-adds."""
    return max(loops(lines), key=lambda loop: loop.products)


@cache
def cycles(text: str, cpu: str, features: str) -> float:
    """Cycles of one pass in the steady state."""
    command = [MCA, f"-mtriple={TRIPLE}", f"-mcpu={cpu}", f"-iterations={ITERATIONS}"]
    command += [f"-mattr={features}"] if features else []
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    total = re.search(r"Total Cycles:\s+(\d+)", done.stdout)
    assert total is not None
    return int(total[1]) / ITERATIONS


def bound(product: str, cpu: str, features: str) -> float:
    """Cycles for a multiply-add when there is nothing else to do."""
    text = "\n".join("\t" + product.format(d=d).replace(" ", "\t", 1) for d in range(24))
    return cycles(text, cpu, features) / products(text.splitlines())


def report(name: str, level: str, loop: Loop, cpus: list[str]) -> None:
    """One row of the table for each CPU."""
    _, features, product = LEVELS[level]
    product = next((p for kind, p in OTHER_PRODUCTS.items() if f"_{kind}_" in name), product)
    for cpu in cpus:
        passed = cycles(loop.text, cpu, features)
        each, best = passed / loop.products, bound(product, cpu, features)
        print(f"{name:24} {level:8} {cpu:12} {loop.products:5} {loop.instructions:5} {passed:8.1f}"
              f" {each:8.4f} {best:8.4f} {each / best:6.2f}")  # fmt: skip


def main() -> None:
    """Read the options, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cpu", nargs="*", default=list(CPUS))
    parser.add_argument("--show", default="", help="print the loop of this kernel")
    options = parser.parse_args()
    if shutil.which(MCA) is None:
        sys.exit(f"{MCA} is not installed: apt-get install llvm-19")
    print(f"{'kernel':24} {'level':8} {'cpu':12} {'MACs':>5} {'insns':>5} {'cycles':>8}"
          f" {'per MAC':>8} {'bound':>8} {'ratio':>6}")  # fmt: skip
    for level in LEVELS:
        for name, lines in functions(assembly(level)).items():
            kind = next((k for k in KINDS if f"_{k}_" in name), "")
            if not re.search("full|half|row_4|span|sums$", name) or level not in KINDS[kind]:
                continue
            loop = main_loop(lines)
            if options.show == name:
                print(loop.text)
            report(name, level, loop, options.cpu)


if __name__ == "__main__":
    main()
