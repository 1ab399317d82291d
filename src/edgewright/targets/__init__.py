"""Targets: where generated code will run.

One file per target; a file is found by being in this folder, or through an entry point of the
group `edgewright.targets` that names a `Target`. The name of the file is the name of the target
with `_` for `-`.
"""

import platform
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import iter_modules
from typing import Literal

from ..errors import InternalError, InvalidOption, MissingRunner
from ..ops.choice import DEFAULTS, Choices

Dot = Literal["us", "ss"]
Detect = Literal["cpuid", "hwcap", "sysctl", "fixed"]

#: systems with POSIX threads
THREADED_SYSTEMS = frozenset({"Linux", "Android", "Darwin", "iOS"})
MOST_THREADS = 16


@dataclass(frozen=True)
class Level:
    """One instruction set level of a target: `model.c` is compiled once for each.

    Attributes:
        name: suffix of the level's symbols, a C identifier: `avx2` in `NAME_run__avx2`.
        vectors: address of the vector table, where that is not the beginning of flash.
        cpu: what zig's `-mcpu=` calls it.
        flags: the same for gcc and clang.
        cpu_features: names in `/proc/cpuinfo` that a CPU must list to run it natively.
        emulator_cpu: a CPU of the emulator with this level and none above, where it has a choice.
        abi_flags: flags that zig needs as well, for how functions are called.
    """

    name: str
    cpu: str
    flags: tuple[str, ...]
    cpu_features: tuple[str, ...] = ()
    emulator_cpu: str = ""
    abi_flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Runner:
    """How the code of a target is run.

    Attributes:
        kind: "native", or the module of `artifact/runners/` that drives it.
        program: what it starts, looked for on the path; "" when it needs none.
        options: arguments between the program and what it runs.
        folders: what must exist besides the program.
        debian: the Debian packages that bring all of it.
        install: the command that brings it, where that is not Debian's.
        label: what tables call it; default: the program.
        probe: further checks, a function that returns what is missing.
        detects: whether the code itself has to find out which levels the CPU behind it has.
    """

    kind: str
    program: str = ""
    options: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    debian: tuple[str, ...] = ()
    install: str = ""
    label: str = ""
    probe: Callable[[], tuple[str, ...]] | None = None
    detects: bool = False

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.label or self.program or self.kind

    @property
    def native(self) -> bool:
        """Whether the code runs in this very process."""
        return self.kind == "native"

    @property
    def missing(self) -> tuple[str, ...]:
        """What this machine lacks to use it; empty when nothing."""
        programs = [self.program] if self.program and shutil.which(self.program) is None else []
        folders = [folder for folder in self.folders if not Path(folder).exists()]
        return (*programs, *folders, *(self.probe() if self.probe else ()))

    @property
    def advice(self) -> str:
        """The command that installs what is missing, or ""."""
        return self.install or (f"apt-get install {' '.join(self.debian)}" if self.debian else "")


NATIVE = Runner("native")


@dataclass(frozen=True)
class Board:
    """The memory of a microcontroller, for its linker script: an example that users adapt.

    Attributes:
        name: the machine as the emulator calls it.
        flash: address and bytes of the memory that holds code and weights.
        ram: address and bytes of the memory that can be written.
        cpu: what zig's `-mcpu=` calls the machine's CPU, where test programs are linked for more
            than the target's baseline.
    """

    name: str
    flash: tuple[int, int]
    ram: tuple[int, int]
    vectors: int | None = None
    cpu: str = ""


@dataclass(frozen=True)
class Target:
    """A platform: compiler triple, instruction set levels, linking, and how to run it here.

    Attributes:
        name: what `-t` takes.
        triple: zig's and clang's name of the platform.
        arch: the CPU family as `platform.machine()` spells it.
        system: the operating system as `platform.system()` spells it.
        levels: from the baseline (`isa` 0) upwards.
        dot: the form of the 8-bit dot product, which decides the weight packing: "us" (one operand
            unsigned) or "ss" (both signed).
        detect: how `NAME_detect_isa` asks: `cpuid`, `hwcap` (id registers on Arm), `sysctl`
            (Apple), or `fixed`.
        allowed_undefined: the only symbols that a library may leave to the platform.
        library_prefix: of the library's file name.
        library_suffix: of the library's file name.
        link_flags: besides those that every target gets.
        cross_cc: a GNU cross compiler for it, when `compiler="gcc"`.
        libc: zig's triple for programs with a C library, that is, for the runner.
        runners: the ways to run it where it is not native, the quickest first.
        pointer_bytes: size of a pointer.
        lean_step: numbers that a multiplication takes in the 8-bit kernels for microcontrollers
            (`kernels/lean.h`): 1 plainly, 4 with SMLAD, 16 with Helium; 0: sixteen-lane kernels.
        chunks: pieces of a large layer that may run at the same time (`with_threads`).
        room: bytes of arena that have to suffice (`--max-ram`); 0 where nobody said so.
        small: whether size goes before speed (`--optimize size`): weights are not expanded.
        choices: what decides where a layer can be computed in several ways (`ops/choice.py`).
        product: what a build makes: the module of `artifact/products/` that writes it.
        fpu: whether float32 arithmetic is hardware; without it `fixed` is the default mode.
        compile_flags: after those that every target gets, and so stronger.
        soft_float: those of the allowed undefined symbols that compute float32 in software.
        macros: `NAME VALUE` lines that stand as `#define`s at the top of the generated code.
        board: the memory map, of a microcontroller.
        support: the file of `toolchain/support/` that every library of it is linked with; "" for
            none.
        program_support: the same for programs with a C library.
        machine: what runs it, in words, where no runner can: "a Mac with Apple silicon".
        needed: system libraries that the allowed undefined symbols are in, where a library has to
            name them.
        page_bytes: the largest memory page of the platform, at which segments must start; 0 where
            nobody asks.
        bfloat16_levels: levels above the others, of CPUs that multiply bfloat16 at twice the rate
            of float32: models that do so are compiled for them, too (`with_bfloat16`).
    """

    name: str
    description: str
    triple: str
    arch: str
    system: str
    levels: tuple[Level, ...]
    dot: Dot
    detect: Detect
    runners: tuple[Runner, ...]
    allowed_undefined: frozenset[str] = frozenset({"memcpy", "memset"})
    library_prefix: str = "lib"
    library_suffix: str = ".so"
    link_flags: tuple[str, ...] = ()
    cross_cc: str = ""
    libc: str = ""
    pointer_bytes: int = 8
    lean_step: int = 0
    chunks: int = 1
    small: bool = False
    choices: Choices = DEFAULTS
    product: str = "shared_library"
    room: int = 0
    fpu: bool = True
    compile_flags: tuple[str, ...] = ()
    soft_float: frozenset[str] = frozenset()
    macros: tuple[str, ...] = ()
    board: Board | None = None
    support: str = ""
    program_support: str = ""
    machine: str = ""
    needed: tuple[str, ...] = ()
    page_bytes: int = 0
    bfloat16_levels: tuple[Level, ...] = ()

    def __post_init__(self) -> None:
        names = self.level_names
        if not names or len(set(names)) != len(names):
            raise InternalError(f"target {self.name!r}: levels must be named apart, got {names}")
        if bad := [name for name in names if not name.isidentifier()]:
            raise InternalError(f"target {self.name!r}: {bad[0]!r} is not a C identifier")

    @property
    def baseline(self) -> Level:
        """The level that every CPU of this target has."""
        return self.levels[0]

    @property
    def level_names(self) -> tuple[str, ...]:
        """The names of the levels, baseline first."""
        return tuple(level.name for level in self.levels)

    def level(self, name: str) -> Level:
        """The level called `name`. Raises InvalidOption listing the levels."""
        for level in self.levels:
            if level.name == name:
                return level
        known = ", ".join(self.level_names)
        raise InvalidOption(f"target {self.name!r} has no level {name!r}", help=f"one of: {known}")

    @property
    def has_threads(self) -> bool:
        """Whether the pool of threads that we bring (`kernels/threads/`) runs there."""
        return self.system in THREADED_SYSTEMS

    @property
    def is_native(self) -> bool:
        """Whether this process can load what is built."""
        return self.product == "shared_library" and (platform.machine(), platform.system()) == (
            self.arch,
            self.system,
        )

    @property
    def runners_here(self) -> tuple[Runner, ...]:
        """The runners that this machine has: native alone wherever that is possible."""
        if self.is_native:
            return (NATIVE,)
        return tuple(r for r in self.runners if not r.native and not r.missing)


def with_bfloat16(target: Target) -> Target:
    """The target, with the levels of CPUs that multiply bfloat16 at twice the rate of float32."""
    return replace(target, levels=(*target.levels, *target.bfloat16_levels), bfloat16_levels=())


def with_threads(chosen: Iterable[Target], threads: int) -> list[Target]:
    """The targets, with large layers cut into pieces for so many threads.

    Raises:
        InvalidOption: the number is out of range, or a target has no threads.
    """
    held = list(chosen)
    if not 1 <= threads <= MOST_THREADS:
        raise InvalidOption(f"{threads} threads: it must be 1 to {MOST_THREADS}")
    if threads == 1:
        return held
    if without := [target.name for target in held if not target.has_threads]:
        raise InvalidOption(
            f"{', '.join(without)}: code for several threads is not made for this target yet",
            help="build without threads there, in a package of its own",
        )
    return [replace(t, chunks=threads, macros=(*t.macros, f"EW_CHUNKS {threads}")) for t in held]


@dataclass(frozen=True)
class Availability:
    """Whether the code of a target can be run on this machine.

    Attributes:
        runner: how; None when there is no way at all.
        missing: what is absent; empty when the target runs.
        install: the command that helps, or "" when nothing would.
    """

    runner: Runner | None
    missing: tuple[str, ...] = ()
    install: str = ""

    def __bool__(self) -> bool:
        return not self.missing

    @property
    def advice(self) -> str:
        """What it takes to run the target, in words; "" when it runs."""
        if self:
            return ""
        return self.install or f"needs {', '.join(self.missing)}"


def available(target: Target) -> Availability:
    """Look for what running `target`'s code on this machine takes."""
    if here := target.runners_here:
        return Availability(here[0])
    others = [runner for runner in target.runners if not runner.native]
    if not others:
        machine = target.machine or f"a {target.arch} machine with {target.system}"
        return Availability(None, (machine,))
    return Availability(others[0], others[0].missing, others[0].advice)


def require_runner(target: Target) -> Runner:
    """The runner of `target`. Raises MissingRunner naming the packages to install."""
    found = available(target)
    if found and found.runner is not None:
        return found.runner
    missing = ", ".join(found.missing)
    raise MissingRunner(
        f"cannot run code for {target.name}: {missing} not found",
        help=found.install or "build only, and run the package on such a machine",
    )


def levels_here(target: Target) -> tuple[Level, ...]:
    """The levels of `target` that can be run on this machine, baseline first.

    Empty when the target cannot run here at all.
    """
    if not available(target):
        return ()
    if not target.is_native:
        return target.levels
    have = cpu_features()
    return tuple(level for level in target.levels if have.issuperset(level.cpu_features))


@cache
def cpu_features() -> frozenset[str]:
    """The features that Linux lists for this machine's CPU; empty elsewhere."""
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return frozenset()
    for line in cpuinfo.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()


@cache
def registry() -> dict[str, Target]:
    """Every target by name, in alphabetical order. Raises InternalError on two of one name."""
    found = [import_module(f".{name}", __name__).TARGET for name in _modules()]
    found += [entry.load() for entry in entry_points(group="edgewright.targets")]
    names = [target.name for target in found]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InternalError(f"two targets are called {repeated[0]!r}")
    return {target.name: target for target in sorted(found, key=lambda target: target.name)}


def get(name: str) -> Target:
    """The target called `name`. Raises InvalidOption listing those there are."""
    targets = registry()
    if name not in targets:
        known = ", ".join(targets)
        raise InvalidOption(f"there is no target {name!r}", help=f"one of: {known}")
    return targets[name]


def named(names: Iterable[str]) -> list[Target]:
    """The targets called `names`, each once; "all" stands for every one. Raises InvalidOption."""
    chosen = [each for name in names for each in (registry() if name == "all" else (name,))]
    return [get(name) for name in dict.fromkeys(chosen)]


def _modules() -> list[str]:
    """The target modules of this folder, sorted."""
    return sorted(module.name for module in iter_modules(__path__))
