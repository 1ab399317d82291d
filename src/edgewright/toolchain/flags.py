"""The flags of every compilation, each with its reason. They are stated nowhere else."""

from ..targets import Target

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

# What sources that are handed to any compiler are compiled with besides.
PEDANTIC = ("-pedantic",)

# The warnings are for us; the rest is what the code's meaning needs from any compiler.
BY_HAND = tuple(flag for flag in COMPILE if not flag.startswith("-W"))

# A program for a bare machine, laid out by a script.
FIRMWARE = (
    "-Os",
    "-ffreestanding",
    "-fno-pic",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-g1",  # without it zig strips the names of functions, by which instructions are counted
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

# No C library and no start-up code; no names of local symbols.
_LINK = ("-shared", "-nostdlib", "-s")

_LINK_ELF = (
    "-Wl,--build-id=none",
    "-Wl,--hash-style=gnu",
    "-Wl,-z,noexecstack",
    "-Wl,--as-needed",
)

# The host calls what is exported, sets each thread's stack, and puts its data behind __heap_base.
_LINK_WASM = (
    "-nostdlib",
    "-s",
    "-Wl,--no-entry",
    "-Wl,--export-dynamic",
    "-Wl,--export=__heap_base",
    "-Wl,--export=__stack_pointer",
    "-Wl,-z,stack-size=65536",
)


def link(target: Target, library: str) -> list[str]:
    """The flags that link a shared library of that file name."""
    if target.system == "web":
        return [*_LINK_WASM, *target.link_flags]
    system = {
        "Darwin": [
            f"-Wl,-install_name,@rpath/{library}",
            "-L.",
            "-lSystem",
        ],  # an app looks beside itself
        "Windows": [],
    }
    return [
        *_LINK,
        *system.get(target.system, [*_LINK_ELF, f"-Wl,-soname,{library}"]),
        *target.link_flags,
    ]


def libsystem(target: Target) -> str:
    """The text that stands for macOS's C library where a compiler brings none."""
    arch = "x86_64" if target.arch == "x86_64" else "arm64"
    names = sorted(target.allowed_undefined - {"dyld_stub_binder"})
    symbols = ", ".join(["dyld_stub_binder", *(f"_{name}" for name in names)])
    return f"""\
--- !tapi-tbd
tbd-version: 4
targets: [ {arch}-macos ]
install-name: '/usr/lib/libSystem.B.dylib'
exports:
  - targets: [ {arch}-macos ]
    symbols: [ {symbols} ]
...
"""


def hosted(library: str) -> list[str]:
    """The flags of a shared library with a C library and threads, besides `COMPILE`."""
    return [
        "-std=gnu11",  # POSIX: threads and clocks
        "-fPIC",
        "-fvisibility=hidden",
        "-g0",
        "-pthread",
        "-shared",
        "-s",
        *_LINK_ELF,
        f"-Wl,-soname,{library}",
    ]


def program(target: Target) -> list[str]:
    """The flags of programs with a C library, besides `COMPILE`."""
    if target.system != "Windows":
        return []
    return [
        "-nostdlib",  # the system's C library alone: MinGW's own would have to be built
        "-ffreestanding",
        "-fno-stack-protector",
        "-D__USE_MINGW_ANSI_STDIO=0",
        "-Wl,-e,mainCRTStartup",
    ]


def program_libraries(target: Target) -> list[str]:
    """What programs with a C library are linked with."""
    return ["-lucrtbase"] if target.system == "Windows" else ["-lm", "-ldl"]


def command_by_hand(program: str, compiler: str) -> str:
    """The one command that builds a package's code at that compiler's own instruction set level."""
    return " ".join([compiler, *BY_HAND, "main.c", "model.c", "-o", program])
