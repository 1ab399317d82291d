"""The functions that libraries of some platforms bring along: division on 32-bit Arm."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from edgewright import targets, toolchain

ARMV7 = targets.get("linux-armv7")
SUPPORT = Path(toolchain.__file__).with_name("support") / "armv7.c"
MAIN = """
#include <inttypes.h>
#include <stdio.h>
uint64_t __aeabi_uidivmod(uint32_t, uint32_t);
uint64_t __aeabi_idivmod(int32_t, int32_t);
uint32_t __aeabi_uidiv(uint32_t, uint32_t);
int32_t __aeabi_idiv(int32_t, int32_t);
/* Alone, so that the remainder is taken from the routine and not from the quotient. */
__attribute__((noinline)) static int64_t rest(int64_t a, int64_t b) { return a % b; }
__attribute__((noinline)) static uint64_t plain_rest(uint64_t a, uint64_t b) { return a % b; }
int main(void) {
  int64_t a, b;
  while (scanf("%" SCNd64 " %" SCNd64, &a, &b) == 2) {
    const int32_t s = (int32_t)a, t = (int32_t)b;
    const uint32_t u = (uint32_t)a, v = (uint32_t)b;
    const uint64_t both = __aeabi_idivmod(s, t), plain = __aeabi_uidivmod(u, v);
    printf("%" PRId64 " %" PRId64 " %" PRIu64 " %" PRIu64, a / b, rest(a, b),
           (uint64_t)a / (uint64_t)b, plain_rest((uint64_t)a, (uint64_t)b));
    printf(" %d %d %u %u %d %u\\n", (int)(uint32_t)both, (int)(both >> 32), (unsigned)plain,
           (unsigned)(plain >> 32), (int)__aeabi_idiv(s, t), (unsigned)__aeabi_uidiv(u, v));
  }
  return 0;
}
"""


def signed(value: int, bits: int) -> int:
    """The number that the low bits spell."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def divided(a: int, b: int) -> tuple[int, int]:
    """Quotient towards zero and remainder, as in C."""
    quotient = abs(a) // abs(b) * (-1 if (a < 0) != (b < 0) else 1)
    return quotient, a - quotient * b


def expected(a: int, b: int) -> list[int]:
    wide, small = (1 << 64) - 1, (1 << 32) - 1
    short = divided(signed(a, 32), signed(b, 32))
    plain = divided(a & small, b & small)
    return [*divided(a, b), *divided(a & wide, b & wide), *short, *plain, short[0], plain[0]]


@pytest.mark.skipif(not targets.available(ARMV7), reason="needs qemu-arm and the armhf libc")
def test_division_is_c_division() -> None:
    numbers = [1, -1, 2, 3, -7, 10, 255, 2**31 - 1, 2**32 - 1, 2**32, -(2**40) + 1, 2**63 - 1]
    draw = random.Random(3)
    numbers += [draw.randint(-(2**63) + 1, 2**63 - 1) >> draw.randint(0, 62) for _ in range(30)]
    pairs = [(a, b) for a in numbers for b in numbers if b & 0xFFFFFFFF]  # 32 bits divide as well
    sources = {"main.c": MAIN, "support.c": SUPPORT.read_text()}
    program = toolchain.link_program(sources, ARMV7)
    runner = ARMV7.runners_here[0]
    done = subprocess.run(
        [runner.program, *runner.options, str(program)],
        input="\n".join(f"{a} {b}" for a, b in pairs),
        capture_output=True,
        text=True,
        check=True,
    )
    found = [[int(word) for word in line.split()] for line in done.stdout.splitlines()]
    assert found == [expected(a, b) for a, b in pairs]
