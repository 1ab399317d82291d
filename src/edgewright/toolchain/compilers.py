"""Find a C compiler and know how it is spoken to.

zig's wheel (`pip install 'edgewright[zig]'`) brings the same clang for every target and is the
default. A system clang (19 or newer) or gcc serves on request, and gcc or clang serves the host
when zig is absent.
"""

import re
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

from ..errors import InvalidOption, MissingCompiler
from ..targets import Level, Target

OLDEST_CLANG = 19
INSTALL_ZIG = "pip install 'edgewright[zig]'"


@dataclass(frozen=True)
class Compiler(ABC):
    """A C compiler.

    Attributes:
        name: what `compiler=` takes.
        command: the words that start it.
        version: a line that changes whenever its output may.
    """

    name: str
    command: tuple[str, ...]
    version: str

    @abstractmethod
    def platform_flags(self, target: Target, level: Level, *, libc: bool = False) -> list[str]:
        """The flags that select `target` at `level`; `libc` is for programs with a C library."""

    def header_flags(self, target: Target) -> list[str]:
        """Where the C library's headers are when `-nostdlib` hides them; paths of this machine."""
        return []

    @property
    @abstractmethod
    def archiver(self) -> tuple[str, ...]:
        """The words that start the `ar` that comes with it."""


@dataclass(frozen=True)
class Zig(Compiler):
    """`zig cc` of the ziglang wheel."""

    def platform_flags(self, target: Target, level: Level, *, libc: bool = False) -> list[str]:
        triple = target.libc if libc else target.triple
        return ["-target", triple, f"-mcpu={level.cpu}", *([] if libc else level.abi_flags)]

    def header_flags(self, target: Target) -> list[str]:
        if target.system != "Windows":
            return []
        folder = Path(self.command[0]).parent / "lib" / "libc" / "include" / "any-windows-any"
        return ["-isystem", str(folder)]

    @property
    def archiver(self) -> tuple[str, ...]:
        return (self.command[0], "ar")


@dataclass(frozen=True)
class Clang(Compiler):
    """A system clang."""

    def platform_flags(self, target: Target, level: Level, *, libc: bool = False) -> list[str]:
        triple = re.sub(r"-(macos|ios)\.", r"-apple-\1", target.triple)
        triple = re.sub(r"-gnu(\w*)\.[\d.]+$", r"-gnu\1", triple)  # glibc's version is zig's suffix
        linker = ["-fuse-ld=lld", "-Wno-unused-command-line-argument"]  # compiling has no linker
        return [f"--target={triple}", *linker, *level.flags, *level.abi_flags]

    @property
    def archiver(self) -> tuple[str, ...]:
        program = Path(self.command[0])
        return (str(program.with_name(program.name.replace("clang", "llvm-ar"))),)


@dataclass(frozen=True)
class Gcc(Compiler):
    """A system gcc, native or cross."""

    def platform_flags(self, target: Target, level: Level, *, libc: bool = False) -> list[str]:
        return list(level.flags)

    @property
    def archiver(self) -> tuple[str, ...]:
        program = Path(self.command[0])
        return (str(program.with_name(program.name.replace("gcc", "ar"))),)


def find_compiler(target: Target, name: str | None = None) -> Compiler:
    """The compiler called `name` ("zig", "clang", "gcc") for `target`, or the best there is.

    Raises:
        InvalidOption: there is no compiler of that name.
        MissingCompiler: it is not installed, or too old; the help names what to install.
    """
    if name is None:
        return _default(target)
    finders: dict[str, Callable[[], Compiler | None]] = {
        "zig": _zig,
        "clang": _clang,
        "gcc": partial(_gcc, _gcc_program(target)),
    }
    if name not in finders:
        raise InvalidOption(
            f"there is no compiler {name!r}", help=f"one of: {', '.join(sorted(finders))}"
        )
    found = finders[name]()
    if found is None:
        raise MissingCompiler(f"{name} was not found for {target.name}", help=_advice(name, target))
    return found


def system_compiler(program: str) -> Compiler:
    """A compiler that takes gcc's words, for programs of this machine. Raises MissingCompiler."""
    found = _gcc(program)
    if found is None:
        raise MissingCompiler(f"{program} was not found", help=f"apt-get install {program}")
    return found


def _default(target: Target) -> Compiler:
    """Prefer zig; for the host's own kind of machine fall back to clang and gcc."""
    found = _zig()
    if found is None and target.is_native:
        found = _clang() or _gcc(_gcc_program(target))
    if found is None:
        raise MissingCompiler(f"no C compiler for {target.name}", help=INSTALL_ZIG)
    return found


def _advice(name: str, target: Target) -> str:
    if name == "zig":
        return INSTALL_ZIG
    if name == "clang":
        return f"apt-get install clang-{OLDEST_CLANG} lld-{OLDEST_CLANG}, or {INSTALL_ZIG}"
    program = _gcc_program(target)
    if not program:
        return INSTALL_ZIG
    platform = program.removesuffix("gcc").rstrip("-")  # Debian calls the packages the other way
    return f"apt-get install {'-'.join(filter(None, ('gcc', platform)))}, or {INSTALL_ZIG}"


def _gcc_program(target: Target) -> str:
    return "gcc" if target.is_native else target.cross_cc


@cache
def _zig() -> Compiler | None:
    """The program inside the wheel: starting it through Python would cost 50 ms a call."""
    spec = find_spec("ziglang")
    for folder in spec.submodule_search_locations or () if spec else ():
        program = Path(folder) / "zig"
        if program.exists():
            version = _output([str(program), "version"])
            return Zig("zig", (str(program), "cc"), f"zig {version}")
    return None


@cache
def _clang() -> Compiler | None:
    """The newest clang on the path that is new enough."""
    candidates = [*(f"clang-{n}" for n in range(OLDEST_CLANG + 11, OLDEST_CLANG - 1, -1)), "clang"]
    for candidate in candidates:
        program = shutil.which(candidate)
        if program is None:
            continue
        version = _output([program, "--version"]).splitlines()[0]
        major = re.search(r"version (\d+)", version)
        if major and int(major[1]) >= OLDEST_CLANG:
            return Clang("clang", (program,), version)
    return None


@cache
def _gcc(name: str) -> Compiler | None:
    program = shutil.which(name) if name else None
    if program is None:
        return None
    return Gcc("gcc", (program,), _output([program, "--version"]).splitlines()[0])


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
