"""How fast are the heavy kernels? Rates of single layers beside the peak of the core.

    python benchmarks/kernels.py [--level avx512] [--compiler zig|gcc] [--only depthwise] [--json]

Prints milliseconds (best of many; median in brackets), 10^9 operations a second and the share of
the measured peak of registers-only multiply-adds. Nothing is asserted (DESIGN.md, promise 7).
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

KERNELS = Path(__file__).parent.parent / "src" / "edgewright" / "kernels"
LEVELS = {
    "scalar": ("-mcpu=x86_64", "-march=x86-64"),
    "avx2": ("-mcpu=x86_64_v3", "-march=x86-64-v3"),
    "avx512": ("-mcpu=x86_64_v4+avx512vnni", "-march=x86-64-v4 -mavx512vnni"),
}
# name: input height = width, channels; output size, channels; kernel, stride, padding before
LAYERS = {
    "mobilenet 1x1 112": (112, 32, 112, 64, 1, 1, 0),
    "mobilenet 1x1 56": (56, 128, 56, 128, 1, 1, 0),
    "mobilenet 1x1 28": (28, 256, 28, 256, 1, 1, 0),
    "mobilenet 1x1 14": (14, 512, 14, 512, 1, 1, 0),
    "mobilenet 1x1 7": (7, 1024, 7, 1024, 1, 1, 0),
    "mobilenet v2 1x1 24": (56, 24, 56, 144, 1, 1, 0),
    "mobilenet first": (224, 3, 112, 32, 3, 2, 0),
    "resnet 3x3 56": (56, 64, 56, 64, 3, 1, 1),
    "resnet 3x3 14": (14, 256, 14, 256, 3, 1, 1),
    "resnet 3x3 7": (7, 512, 7, 512, 3, 1, 1),
    "resnet8 3x3 32": (32, 16, 32, 16, 3, 1, 1),
    "resnet8 first": (32, 3, 32, 16, 3, 1, 1),
    "fully connected": (1, 1024, 1, 1000, 1, 1, 0),
}
DEPTHWISE = {
    "depthwise 112": (112, 32, 112, 32, 3, 1, 1),
    "depthwise 112/2": (112, 64, 56, 64, 3, 2, 0),
    "depthwise 56": (56, 128, 56, 128, 3, 1, 1),
    "depthwise 28": (28, 256, 28, 256, 3, 1, 1),
    "depthwise 14": (14, 512, 14, 512, 3, 1, 1),
    "depthwise 14/2": (14, 512, 7, 512, 3, 2, 0),
    "depthwise 7": (7, 1024, 7, 1024, 3, 1, 1),
    "depthwise kws": (5, 64, 5, 64, 3, 1, 1),
}
PROLOGUE = """\
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "conv_f32.h"
#include "conv_q8.h"
#include "depthwise_f32.h"
#include "depthwise_q8.h"
enum { RUNS = 60 };
static float *x, *w, *b, *y;
static int16_t *w16; /* weights of 8-bit depthwise layers: bytes, widened */
static void *s;
static int32_t params[16];
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
static int by_value(const void *a, const void *c) {
  return (*(const double *)a > *(const double *)c) - (*(const double *)a < *(const double *)c);
}
static double measure(const char *name, void (*f)(void), double operations, double peak) {
  double t[RUNS];
  for (int i = 0; i < RUNS; ++i) {
    t[i] = now();
    f();
    t[i] = now() - t[i];
  }
  qsort(t, RUNS, sizeof t[0], by_value);
  printf("%-26s %8.4f ms [%8.4f] %8.1f G/s", name, t[0] * 1e3, t[RUNS / 2] * 1e3,
         operations / t[0] / 1e9);
  if (peak > 0) printf(" %4.0f %%", 100.0 * operations / t[0] / 1e9 / peak);
  printf("\\n");
  return operations / t[0] / 1e9;
}
static void peak_f32(void) {
  ew_f32x16 acc[12], a = ew_f32_load(x);
  for (int i = 0; i < 12; ++i) acc[i] = a;
  for (int k = 0; k < 100000; ++k) {
    __asm__ volatile("" ::: "memory");
    EW_UNROLL for (int i = 0; i < 12; ++i) acc[i] = ew_fma(a, a, acc[i]);
  }
  for (int i = 0; i < 12; ++i) ew_f32_store(y + 16 * i, acc[i]);
}
static void peak_q8(void) {
  ew_i32x16 acc[12];
  const ew_dot_x a = ew_dot_load_x((const uint8_t *)x);
  const ew_dot_w c = ew_dot_load_w((const int8_t *)w);
  for (int i = 0; i < 12; ++i) acc[i] = ew_i32_dup(i);
  for (int k = 0; k < 100000; ++k) {
    __asm__ volatile("" ::: "memory");
    EW_UNROLL for (int i = 0; i < 12; ++i) acc[i] = ew_dot4(acc[i], a, c);
  }
  for (int i = 0; i < 12; ++i) ew_i32_store((int32_t *)y + 16 * i, acc[i]);
}
"""
SETUP = """\
int main(void) {
  x = aligned_alloc(64, 1 << 24);
  w = aligned_alloc(64, 1 << 24);
  w16 = aligned_alloc(64, 1 << 20);
  b = aligned_alloc(64, 1 << 20);
  y = aligned_alloc(64, 1 << 24);
  s = aligned_alloc(64, 1 << 20);
  for (int i = 0; i < 1 << 22; ++i) x[i] = w[i] = y[i] = (float)(i % 7) * 0.125f;
  for (int i = 0; i < 1 << 19; ++i) w16[i] = (int16_t)(i % 255 - 127);
  for (int i = 0; i < 1 << 18; ++i) b[i] = 0.001f;
  params[2] = -128;
  params[3] = 127;
  const double f32 = measure("peak float32", peak_f32, 100000.0 * 12 * 32, 0.0);
  const double q8 = measure("peak int8", peak_q8, 100000.0 * 12 * 128, 0.0);
"""
Layer = tuple[int, int, int, int, int, int, int]


def functions(index: int, layer: Layer, is_depthwise: bool) -> str:
    """The C that runs one layer in float32, and in int8 in both modes."""
    size, channels, out, columns, kernel, stride, pad = layer
    shape = (
        f"(ew_conv_shape){{1, {size}, {size}, {channels}, {out}, {out}, {columns}, {kernel},"
        f" {kernel}, {stride}, {stride}, 1, 1, {pad}, {pad}, 1}}"
    )
    kind, zero, skip = ("depthwise", "", "") if is_depthwise else ("conv", "0, ", "0, ")
    weights = "w16" if is_depthwise else "(const void *)w"
    text = f"static __attribute__((noinline)) void f32_{index}(void) {{\n"
    text += f"  ew_{kind}_f32({shape}, x, w, b, {skip}0.0f, 6.0f, y, s);\n}}\n"
    for mode in ("FLOAT", "FIXED"):
        text += f"static __attribute__((noinline)) void {mode}_{index}(void) {{\n"
        text += f"  ew_{kind}_s8({shape}, EW_REQUANT_{mode}, {zero}(const int8_t *)x,"
        text += f" {weights}, (const int32_t *)b, params,"
        text += f" {skip}(int8_t *)y, s);\n}}\n"
    return text


def program(layers: dict[str, tuple[Layer, bool]]) -> str:
    """The whole benchmark in C."""
    text, calls = PROLOGUE, SETUP
    for index, (name, (layer, is_depthwise)) in enumerate(layers.items()):
        text += functions(index, layer, is_depthwise)
        _, channels, out, columns, kernel, *_ = layer
        depth = kernel * kernel * (1 if is_depthwise else channels)
        operations = f"{2.0 * out * out * columns * depth:.1f}"
        calls += f'  measure("{name} f32", f32_{index}, {operations}, f32);\n'
        calls += f'  measure("{name} s8", FLOAT_{index}, {operations}, q8);\n'
        calls += f'  measure("{name} fixed", FIXED_{index}, {operations}, q8);\n'
    return text + calls + "  return 0;\n}\n"


def build(folder: Path, text: str, level: str, compiler: str) -> Path:
    """Compile with the flags that packages are built with."""
    source, out = folder / "bench.c", folder / "bench"
    source.write_text(text)
    zig, gcc = LEVELS[level]
    command = [sys.executable, "-m", "ziglang", "cc", zig] if compiler == "zig" else []
    command = command or [compiler, *gcc.split()]
    flags = ["-O3", "-std=gnu11", "-ffp-contract=off", "-fno-math-errno", f"-I{KERNELS}"]
    subprocess.run([*command, *flags, str(source), "-o", str(out)], check=True)
    return out


def main() -> None:
    """Read the options, then build and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--level", choices=LEVELS, default="avx512")
    parser.add_argument("--compiler", default="zig", help="zig, gcc or another that takes -march")
    parser.add_argument("--only", default="", help="layers whose name contains this")
    parser.add_argument("--json", action="store_true", help="print a list of layers instead")
    options = parser.parse_args()
    every = {k: (v, False) for k, v in LAYERS.items()} | {
        k: (v, True) for k, v in DEPTHWISE.items()
    }
    chosen = {name: layer for name, layer in every.items() if options.only in name}
    with tempfile.TemporaryDirectory() as folder:
        binary = build(Path(folder), program(chosen), options.level, options.compiler)
        pin = ["taskset", "-c", "0"] if shutil.which("taskset") else []
        done = subprocess.run([*pin, str(binary)], check=True, capture_output=True, text=True)
    print(json.dumps(layers(done.stdout, chosen), indent=1) if options.json else done.stdout)


def layers(text: str, chosen: dict[str, tuple[Layer, bool]]) -> list[dict[str, object]]:
    """What the program printed: name, kind, multiply-accumulates, G/s, share of the peak."""
    line = re.compile(r"(.+?) (f32|s8|fixed) .*? ([\d.]+) G/s +(\d+) %")
    found = []
    for name, kind, rate, share in line.findall(text):
        (_, channels, out, columns, kernel, *_), is_depthwise = chosen[name]
        macs = out * out * columns * kernel * kernel * (1 if is_depthwise else channels)
        found.append({"layer": name, "kind": kind, "macs": macs, "depthwise": is_depthwise,
                      "giga_per_second": float(rate), "peak_share": int(share) / 100})  # fmt: skip
    return found


if __name__ == "__main__":
    main()
