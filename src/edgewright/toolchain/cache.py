"""A content-addressed cache of compiled files and packages, safe for processes that build at once.

An entry is one file named by the SHA-256 of everything that went into it. It is written under
another name and renamed, so a reader sees all of it or nothing; two writers of one key write the
same bytes. Entries are never changed, only removed when the cache is over its limit.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from ..errors import InvalidOption

LIMIT_BYTES = 1 << 30
VARIABLE = "EDGEWRIGHT_CACHE"


def root() -> Path:
    """The cache folder: `$EDGEWRIGHT_CACHE`, or `edgewright` in the user's cache folder."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "edgewright"


def key(parts: Iterable[str | bytes]) -> str:
    """SHA-256 over `parts`, each with its length, so that no two lists of parts collide."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def lookup(name: str, make: Callable[[Path], None]) -> Path:
    """The entry called `name`, made first if it is absent.

    Args:
        name: a key plus a suffix.
        make: writes the file at the path it is given; what it raises passes through, and then
            nothing is stored.

    Returns:
        The path of the entry, which the caller must not change.

    Raises:
        InvalidOption: the cache folder cannot be written to.
    """
    if found := find(name):
        return found
    entry = _place(name)
    with _scratch(entry.parent) as scratch:
        draft = Path(scratch) / name
        make(draft)
        draft.replace(entry)
    return entry


def find(name: str) -> Path | None:
    """The entry called `name`, which counts as used now; None where there is none."""
    entry = _place(name)
    if not entry.exists():
        return None
    with suppress(OSError):  # a cache that we may read but not write serves just as well
        os.utime(entry)
    return entry


def _place(name: str) -> Path:
    return root() / "objects" / name[:2] / name


def _scratch(folder: Path) -> "tempfile.TemporaryDirectory[str]":
    """A folder for a draft, on the same file system as its entry."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.TemporaryDirectory(prefix=".making-", dir=folder)
    except OSError as error:
        raise unwritable(error.strerror or str(error)) from error


def unwritable(why: str) -> InvalidOption:
    """The error for a cache folder that takes no file; `why` as the system says it."""
    return InvalidOption(
        f"cannot write to the cache folder: {why}",
        where=root(),
        help=f"set {VARIABLE} to a folder that you can write to",
    )


def prune(limit_bytes: int = LIMIT_BYTES) -> int:
    """Remove the entries unused for longest until at most `limit_bytes` are left.

    Returns:
        The number of bytes removed. An entry that another process removes meanwhile is no error.
    """
    entries = []
    for path in (root() / "objects").glob("??/*"):
        with suppress(OSError):
            if path.is_file():
                stat = path.stat()
                entries.append((stat.st_mtime_ns, path.name, stat.st_size, path))
    excess = sum(entry[2] for entry in entries) - limit_bytes
    removed = 0
    for _, _, size, path in sorted(entries):
        if removed >= excess:
            break
        with suppress(OSError):
            path.unlink()
            removed += size
    return removed
