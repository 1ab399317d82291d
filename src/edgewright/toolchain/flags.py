"""The flags of every compilation, each with its reason. They are stated nowhere else."""

# What generated C is compiled with, by us and in the command that a package prints.
COMPILE = (
    "-std=c11",
    "-O3",
    "-ffp-contract=off",  # a*b+c must round twice everywhere; ew_fma asks for one rounding
    "-fno-math-errno",  # lets sqrt be an instruction
    "-fno-strict-aliasing",  # the arena holds one type after another at the same address
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-pass-failed",  # clang's note that it did not unroll where registers are few
    "-Wno-psabi",  # gcc's notes on passing wide vectors: every such function is inlined
)

# The warnings are for us; the rest is what the code's meaning needs from any compiler.
BY_HAND = tuple(flag for flag in COMPILE if not flag.startswith("-W"))

# A program for a bare machine, laid out by a script.
FIRMWARE = (
    "-Os",
    "-ffreestanding",
    "-fno-pic",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-g0",
    "-Wl,-T,board.ld",
    "-Wl,-e,reset",  # zig's linker does not read ENTRY
    "-Wl,--build-id=none",
)

# What makes it a library without a runtime whose bytes depend on nothing but the source.
LIBRARY = (
    "-fPIC",
    "-fvisibility=hidden",
    "-ffreestanding",  # no libc headers, no assumption that libc is there
    "-fno-stack-protector",  # distributions turn it on by default; it wants a symbol of libc
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-g0",
)

LINK = (
    "-shared",
    "-nostdlib",
    "-s",
    "-Wl,--build-id=none",
    "-Wl,--hash-style=gnu",
    "-Wl,-z,noexecstack",
    "-Wl,--as-needed",
)


def command_by_hand(program: str, compiler: str) -> str:
    """The one command that builds a package's code at that compiler's own instruction set level."""
    return " ".join([compiler, *BY_HAND, "main.c", "model.c", "-o", program])
