"""How good are the inner loops of the 64-bit Arm kernels? Cycles by LLVM's machine models.

    python benchmarks/mca.py [--cpu cortex-a76 apple-m1] [--show ew_tile_f32_full]

Compiles the register tiles for each instruction set level, finds the loop with the most
multiply-adds in the assembly of each kernel, and runs `llvm-mca` on it (`tuning/cycles.py`, which
`build --tune` uses). The bound is what the same model gives for nothing but independent
multiply-adds of the level: 1.00 would mean that loads and loop control are free. Nothing is run; an
x86 machine will do (`apt-get install llvm-19`).
"""

from __future__ import annotations

import argparse
import sys

from edgewright import targets, toolchain
from edgewright.errors import MissingCompiler
from edgewright.tuning import cycles

TARGET = targets.get("linux-arm64")
CPUS = (*cycles.CPUS, "neoverse-n2")
# kernels by kind, and the levels at which a kind differs
KERNELS = {
    "f32": ("ew_tile_f32_full", "ew_tile_f32_half", "ew_tile_f32_row_4", "ew_depthwise_f32_span"),
    "q8": ("ew_tile_q8_full", "ew_tile_q8_half", "ew_tile_q8_row_4"),
    "s8": ("ew_depthwise_s8_sums",),
}
LEVELS = {"f32": ("neon",), "q8": ("neon", "dotprod", "i8mm"), "s8": ("neon",)}


def report(name: str, level: targets.Level, loop: cycles.Loop, cpus: list[str]) -> None:
    """One row of the table for each CPU."""
    attributes = cycles.features(level)
    for cpu in cpus:
        passed = cycles.cycles(loop.text, cpu, attributes)
        each, best = passed / loop.products, cycles.bound(name, level.name, cpu, attributes)
        print(f"{name:24} {level.name:8} {cpu:12} {loop.products:5} {loop.instructions:5} "
              f"{passed:8.1f} {each:8.4f} {best:8.4f} {each / best:6.2f}")  # fmt: skip


def main() -> None:
    """Read the options, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--cpu", nargs="*", default=list(CPUS))
    parser.add_argument("--show", default="", help="print the loop of this kernel")
    options = parser.parse_args()
    try:
        cycles.program()
    except MissingCompiler as error:
        sys.exit(str(error))
    print(f"{'kernel':24} {'level':8} {'cpu':12} {'MACs':>5} {'insns':>5} {'cycles':>8}"
          f" {'per MAC':>8} {'bound':>8} {'ratio':>6}")  # fmt: skip
    compiler = toolchain.find_compiler(TARGET, "zig")
    for level in TARGET.levels:
        names = [n for kind, held in KERNELS.items() if level.name in LEVELS[kind] for n in held]
        found = cycles.functions(cycles.assembly(TARGET, level, compiler, names, ()))
        for name in names:
            loop = cycles.main_loop(found[name])
            if options.show == name:
                print(loop.text)
            report(name, level, loop, options.cpu)


if __name__ == "__main__":
    main()
