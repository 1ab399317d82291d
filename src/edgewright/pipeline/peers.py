"""Which file another runtime gets of a model: the model's own, or one that is made of it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from edgewright.bench import runtimes
from edgewright.bench.interleave import OURS
from edgewright.errors import EdgewrightError, InvalidOption
from edgewright.pipeline.convert import export, formats
from edgewright.pipeline.model import Model

INSTALL = "pip install 'edgewright[peers]'"


class Unable(Exception):
    """A runtime cannot have the model.

    Args:
        reason: why, for the report.
        help: what to do about it; "" where nothing helps.
    """

    def __init__(self, reason: str, help: str = "") -> None:
        super().__init__(reason)
        self.reason, self.help = reason, help


@dataclass(frozen=True)
class PeerFile:
    """What a runtime reads.

    Attributes:
        path: the file.
        origin: where it comes from, for the report.
        layouts: for each input the permutation that makes the file's array of ours; None for none.
    """

    path: Path
    origin: str
    layouts: tuple[tuple[int, ...] | None, ...] = ()


def known() -> list[str]:
    """The names of the other runtimes."""
    return [name for name in runtimes.names() if name != OURS]


def check_names(names: list[str]) -> None:
    """Raise InvalidOption for what is no runtime, all at once."""
    unknown = [name for name in names if name not in known()]
    if unknown:
        listed = ", ".join(repr(name) for name in unknown)
        raise InvalidOption(
            f"--against names {listed}, which is no runtime", help=f"one of: {', '.join(known())}"
        )


def check_installed(name: str) -> None:
    """Raise Unable, with the command that installs it, for a runtime that is absent."""
    package = runtimes.get(name).PACKAGES[0]
    if find_spec(package) is None:
        raise Unable("not installed", INSTALL)


def file_for(name: str, model: Model, folder: Path) -> PeerFile:
    """The file for a runtime, made under `folder` where the model's own is not read.

    Raises:
        Unable: there is none.
    """
    runtime, source = runtimes.get(name), model.path
    suffix, reads = source.suffix.lower(), runtime.READS
    if model.states:
        raise Unable(f"--state makes a memory that {source.name} itself does not have")
    if suffix in reads:
        return PeerFile(source, "the model's own file")
    converts = getattr(runtime, "CONVERTS", ())
    if suffix in converts:
        return PeerFile(_converted(runtime, source, folder), f"made of {source.name} by its own "
                        "converter")  # fmt: skip
    for wanted in (*reads, *converts):
        if wanted in formats():
            return _exported(runtime, model, wanted, folder)
    raise Unable(f"reads {', '.join((*reads, *converts))}, not {suffix}")


def _converted(runtime: ModuleType, source: Path, folder: Path) -> Path:
    place = folder / runtime.__name__.rsplit(".", 1)[-1]
    place.mkdir()
    copied = Path(shutil.copy(source, place))  # converters write beside what they read
    try:
        made: Path = runtime.convert(copied.absolute(), place.absolute())
    except ImportError as error:
        raise Unable(str(error), INSTALL) from error
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error).encode()
        lines = said.decode(errors="replace").strip().splitlines() or ["it crashed"]
        raise Unable(f"its converter failed: {lines[-1][:200]}") from error
    if not made.exists():
        raise Unable("its converter wrote nothing")
    return made


def _exported(runtime: ModuleType, model: Model, suffix: str, folder: Path) -> PeerFile:
    """The file that our exporter writes; converted further where the runtime wants that."""
    path = folder / f"exported{suffix}"
    try:
        exported = export(model, suffix)
    except EdgewrightError as error:
        raise Unable(f"no {suffix} file can be written: {error.what}") from error
    if exported.states:
        raise Unable(f"a {suffix} file keeps nothing between calls, as this model does")
    path.write_bytes(exported.data)
    layouts = tuple(exported.layouts.get(name) for name in exported.inputs)
    origin = f"{suffix} written by edgewright convert"
    if suffix in runtime.READS:
        return PeerFile(path, origin, layouts)
    return PeerFile(_converted(runtime, path, folder), f"{origin}, then its own converter", layouts)
