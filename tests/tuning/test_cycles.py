"""Inner loops are found in assembly, and their multiply-adds counted."""

import shutil

import pytest

from edgewright import targets
from edgewright.errors import MissingCompiler
from edgewright.tuning import cycles

ARM64 = targets.get("linux-arm64")
ASSEMBLY = """\
\t.text
ew_tile_f32_full:
\tmov\tx8, xzr
.LBB0_1:
\tldr\tq0, [x1], #16
.LBB0_2:
\tfmla\tv1.4s, v0.4s, v2.s[0]
\tfmla\tv3.4s, v0.4s, v2.s[1]
\tsubs\tx8, x8, #1
\tb.ne\t.LBB0_2
\tcbnz\tx9, .LBB0_1
.LBB0_3:
\tadd\tx8, x8, #1
\tcmp\tx8, x9
\tb.lt\t.LBB0_3
.Lfunc_end0:
"""

needs_mca = pytest.mark.skipif(
    not any(map(shutil.which, cycles.PROGRAMS)), reason="needs llvm-mca (apt: llvm-19)"
)


def test_the_innermost_loop_with_the_most_products() -> None:
    (lines,) = cycles.functions(ASSEMBLY).values()
    found = list(cycles.loops(lines))
    assert [loop.products for loop in found] == [8, 0]
    best = cycles.main_loop(lines)
    assert best.text.splitlines()[0] == "\tfmla\tv1.4s, v0.4s, v2.s[0]"
    assert best.instructions == 4


def test_levels_name_what_the_cpu_must_have() -> None:
    assert [cycles.features(level) for level in ARM64.levels] == ["", "+dotprod", "+dotprod,+i8mm"]


def test_without_llvm_mca_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    cycles.program.cache_clear()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MissingCompiler, match="llvm-mca was not found") as caught:
        cycles.program()
    assert "apt-get install llvm" in (caught.value.help or "")


@needs_mca
@pytest.mark.parametrize("cpu", cycles.CPUS)
def test_a_cpu_model_counts_cycles(cpu: str) -> None:
    (lines,) = cycles.functions(ASSEMBLY).values()
    loop = cycles.main_loop(lines)
    passed = cycles.cycles(loop.text, cpu, "")
    assert passed / loop.products >= cycles.bound("ew_tile_f32_full", "neon", cpu, "")
