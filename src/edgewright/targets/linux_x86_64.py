"""x86-64 Linux: PCs, servers, industrial boards; glibc since 2014, musl."""

from . import NATIVE, Level, Target

# SSE2 is there on every x86-64, but it has no multiply-add and no 8-bit product worth a vocabulary
# of its own: the compiler vectorises the scalar one.
SCALAR = Level(name="scalar", cpu="x86_64", flags=("-march=x86-64",))
AVX2 = Level(
    name="avx2",
    cpu="x86_64_v3",
    flags=("-march=x86-64-v3",),
    cpu_features=("avx2", "fma", "f16c", "movbe", "bmi1", "bmi2"),
)
AVX512VNNI = Level(
    name="avx512vnni",
    cpu="x86_64_v4+avx512vnni",
    flags=("-march=x86-64-v4", "-mavx512vnni"),
    cpu_features=("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512_vnni"),
)
# Multiplies bfloat16 at twice the rate of float32: only code that does so is compiled for it.
AVX512BF16 = Level(
    name="avx512bf16",
    cpu="x86_64_v4+avx512vnni+avx512bf16",
    flags=(*AVX512VNNI.flags, "-mavx512bf16"),
    cpu_features=(*AVX512VNNI.cpu_features, "avx512_bf16"),
)

TARGET = Target(
    name="linux-x86_64",
    description="x86-64 Linux (glibc since 2.17 or musl), up to AVX-512 VNNI",
    triple="x86_64-linux-gnu.2.17",
    arch="x86_64",
    system="Linux",
    levels=(SCALAR, AVX2, AVX512VNNI),
    bfloat16_levels=(AVX512BF16,),
    dot="us",
    detect="cpuid",
    runners=(NATIVE,),
    libc="x86_64-linux-gnu.2.31",
)
