"""What one core of this machine can do at best, measured in the run that needs it.

python -m benchmarks.roofline
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

KERNELS = Path(__file__).parent.parent / "src" / "edgewright" / "kernels"
#: -mcpu of the levels that the host target builds, best first.
CPUS = ("x86_64_v4+avx512vnni", "x86_64_v3", "x86_64")
#: Bytes that are read over and over: within a core's second-level cache, the third, beyond all.
SIZES = {"l2": 512 << 10, "l3": 12 << 20, "memory": 256 << 20}
PROGRAM = """\
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "simd.h"
enum { LOOPS = 100000, RUNS = 40 };
static float *x, *y;
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
static __attribute__((noinline)) void peak_f32(void) {
  ew_f32x16 acc[12], a = ew_f32_load(x);
  for (int i = 0; i < 12; ++i) acc[i] = a;
  for (int k = 0; k < LOOPS; ++k) {
    __asm__ volatile("" ::: "memory");
    EW_UNROLL for (int i = 0; i < 12; ++i) acc[i] = ew_fma(a, a, acc[i]);
  }
  for (int i = 0; i < 12; ++i) ew_f32_store(y + 16 * i, acc[i]);
}
static __attribute__((noinline)) void peak_q8(void) {
  ew_i32x16 acc[12];
  const ew_dot_x a = ew_dot_load_x((const uint8_t *)x);
  const ew_dot_w c = ew_dot_load_w((const int8_t *)x);
  for (int i = 0; i < 12; ++i) acc[i] = ew_i32_dup(i);
  for (int k = 0; k < LOOPS; ++k) {
    __asm__ volatile("" ::: "memory");
    EW_UNROLL for (int i = 0; i < 12; ++i) acc[i] = ew_dot4(acc[i], a, c);
  }
  for (int i = 0; i < 12; ++i) ew_i32_store((int32_t *)y + 16 * i, acc[i]);
}
static size_t size;
static __attribute__((noinline)) void read_all(void) {
  ew_f32x16 acc[8];
  for (int i = 0; i < 8; ++i) acc[i] = ew_f32_load(y);
  for (size_t k = 0; k < size / 4; k += 128)
    EW_UNROLL for (int i = 0; i < 8; ++i) acc[i] = ew_f32_add(acc[i], ew_f32_load(x + k + 16 * i));
  for (int i = 0; i < 8; ++i) ew_f32_store(y + 16 * i, acc[i]);
}
static double best(void (*f)(void), int runs) {
  double least = 1e9;
  for (int i = 0; i < runs; ++i) {
    const double start = now();
    f();
    const double taken = now() - start;
    least = taken < least ? taken : least;
  }
  return least;
}
int main(int count, char **sizes) {
  x = aligned_alloc(64, (size_t)256 << 20);
  y = aligned_alloc(64, 4096);
  for (size_t i = 0; i < (size_t)64 << 20; ++i) x[i] = 0.0f;
  for (int i = 0; i < 1024; ++i) y[i] = 0.0f;
  printf("%.6g ", LOOPS * 12.0 * 32 / best(peak_f32, RUNS));
  printf("%.6g", LOOPS * 12.0 * 128 / best(peak_q8, RUNS));
  for (int i = 1; i < count; ++i) {
    size = strtoull(sizes[i], NULL, 10);
    printf(" %.6g", (double)size / best(read_all, size > ((size_t)64 << 20) ? 6 : RUNS));
  }
  printf("\\n");
  return 0;
}
"""


@dataclass(frozen=True)
class Roofline:
    """Ceilings of one core.

    Attributes:
        float32: operations a second; a multiply-add is two.
        int8: the same, of 8-bit products summed in 32 bits.
        l2, l3, memory: bytes a second that are read from each.
    """

    float32: float
    int8: float
    l2: float
    l3: float
    memory: float

    def stream(self, size: int) -> float:
        """Bytes a second of data of this size that is read again in each run."""
        if size <= SIZES["l2"] * 3 // 2:
            return self.l2
        return self.l3 if size <= 2 * SIZES["l3"] else self.memory

    def bound_us(self, work: dict[str, Any], dtype: str, direct: bool = False) -> float:
        """The least time of a net: its arithmetic, or its weights' way to the core if that is more.

        Args:
            work: what `files.work` says of it.
            dtype: "float32" or "int8".
            direct: count the products of direct convolutions, not those of the chosen algorithm.
        """
        peak = self.int8 if dtype == "int8" else self.float32
        weights = self.stream(sum(size for _, _, size, _ in work["nodes"]))
        arithmetic = moved = 0.0
        for plain, chosen, size, steps in work["nodes"]:
            arithmetic += 2 * (plain if direct else chosen) / peak
            moved += size * steps / (self.stream(size) if steps > 1 else weights)
        return max(arithmetic, moved) * 1e6


def measure(cpu: int) -> Roofline:
    """On one core, at the best level that it has. Raises RuntimeError."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "roofline.c"
        source.write_text(PROGRAM)
        for name in CPUS:
            program = source.with_name(name)
            _compile(source, program, name)
            pin = ["taskset", "-c", str(cpu)] if shutil.which("taskset") else []
            sizes = [str(size) for size in SIZES.values()]
            command = [*pin, str(program), *sizes]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if done.returncode == 0:
                return Roofline(*map(float, done.stdout.split()))
    raise RuntimeError("the roofline cannot be measured")


def _compile(source: Path, program: Path, cpu: str) -> None:
    flags = ["-O3", "-std=gnu11", f"-mcpu={cpu}", f"-I{KERNELS}", "-o", str(program)]
    subprocess.run([sys.executable, "-m", "ziglang", "cc", str(source), *flags], check=True)


if __name__ == "__main__":
    print(json.dumps(asdict(measure(0)), indent=2))
