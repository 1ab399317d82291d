"""Any C11 compiler of the GNU kind, any CPU: sources only, without SIMD."""

from . import Level, Runner, Target

TARGET = Target(
    name="generic-c",
    description="any CPU with gcc or clang (portable C11, sources only, no SIMD)",
    triple="x86_64-linux-gnu.2.17",  # what it is compiled for to see that it does
    arch="any",
    system="any",
    levels=(Level(name="portable", cpu="x86_64", flags=()),),
    dot="ss",
    detect="fixed",
    runners=(
        Runner("native_program", program="gcc", debian=("gcc", "libc6-dev")),
        Runner("native_program", program="clang-19", debian=("clang-19",)),
    ),
    cross_cc="gcc",
    library_prefix="",
    library_suffix=".c",
    product="c_sources",
    macros=("EW_DOT_US 0", "EW_SIMD_SCALAR 1", "EW_SMALL 1"),
)
