"""Where a package goes: what may be replaced, and how to put it there in one step."""

from __future__ import annotations

import errno
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edgewright.artifact.manifest import FILE_NAME
from edgewright.artifact.package import SUFFIX, write_archive
from edgewright.errors import InvalidOption

_ATTEMPTS = 20  # how often another build may put its package there before ours


def check_destination(path: Path) -> None:
    """Raise InvalidOption unless there is nothing at `path`, or a package, or an empty folder."""
    if not path.exists() and not path.is_symlink():
        return
    if path.suffix == SUFFIX:
        replaceable = path.is_file() and (not path.stat().st_size or zipfile.is_zipfile(path))
    else:
        replaceable = path.is_dir() and ((path / FILE_NAME).is_file() or not any(path.iterdir()))
    if not replaceable:
        raise InvalidOption(f"{path} exists and is not a package", help="choose another --out")


@contextmanager
def workshop(
    destination: Path, what: str = "the package", elsewhere: str = "another --out"
) -> Iterator[Path]:
    """An empty folder on the file system of `destination`, removed at the end.

    Args:
        destination: where `what` goes.
        what: is written, for the message when it cannot be.
        elsewhere: what to choose then.

    Raises:
        InvalidOption: nothing can be written there, or the disk is full.
    """
    parent = destination.resolve().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent, prefix=".edgewright-") as name:
            yield Path(name)
    except OSError as error:
        raise InvalidOption(
            f"cannot write {what}: {error.strerror or error}",
            where=destination,
            help=f"choose {elsewhere}, where there is space and you may write",
        ) from error


def check_file(path: Path) -> None:
    """Raise InvalidOption where no file can be put: before the work whose result it is to hold."""
    place = path.resolve()
    if place.exists() and not place.is_file():  # a device would be replaced by a file
        raise InvalidOption("this is no regular file, and is not replaced", where=path,
                            help="choose another place")  # fmt: skip
    if not place.parent.is_dir():
        raise InvalidOption(f"cannot write {path.name}: there is no folder {path.parent}",
                            where=path, help="make it, or choose another place")  # fmt: skip


def write_file(path: Path, data: bytes) -> None:
    """Write a file in one step: under its name there is the whole of it, or what was there before.

    Raises:
        InvalidOption: it cannot be written, or the disk is full.
    """
    check_file(path)
    try:
        with tempfile.NamedTemporaryFile(dir=path.resolve().parent, prefix=".edgewright-",
                                         delete=False) as file:  # fmt: skip
            draft = Path(file.name)
            file.write(data)
        draft.chmod(0o644)
        draft.replace(path.resolve())
    except OSError as error:
        raise InvalidOption(
            f"cannot write {path.name}: {error.strerror or error}",
            where=path,
            help="choose another place, where there is space and you may write",
        ) from error
    finally:
        with suppress(NameError, OSError):
            draft.unlink(missing_ok=True)


def put(folder: Path, destination: Path) -> None:
    """Move the finished package to its place in one step, and what it replaces beside `folder`.

    Of two builds into one place, the one that ends last stays.
    """
    place = destination.resolve()
    if place.suffix == SUFFIX:
        archive = folder.parent / f"package{SUFFIX}"
        write_archive(folder, archive)
        archive.replace(place)
        return
    for attempt in range(_ATTEMPTS):
        old = folder.parent / f"old{attempt}"
        with suppress(FileNotFoundError):
            place.rename(old)
        try:
            folder.rename(place)
        except BaseException as error:
            _put_back(old, place)
            if not _is_taken(error) or attempt == _ATTEMPTS - 1:
                raise
        else:
            return


def _is_taken(error: BaseException) -> bool:
    """Whether a folder could not be renamed because another build's was there first."""
    return isinstance(error, OSError) and error.errno in (errno.ENOTEMPTY, errno.EEXIST)


def _put_back(old: Path, place: Path) -> None:
    """The package that was there stays when ours does not come, unless another one has."""
    with suppress(OSError):
        if old.exists() and not place.exists():
            old.rename(place)  # unlike a move, never into a folder that has come meanwhile
