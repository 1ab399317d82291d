"""Finished builds, kept in the cache: what was built and proved once is not built again.

The key of a build is the hash of all that it depends on: the model's bytes and its contract, every
option, the compilers, the sources of Edgewright itself, the versions of all installed packages, and
this machine's CPU, on which the verdict depends. So the cache changes how long a build takes, and
never what is built. What cannot be told from a key is not kept: a model whose weights lie in files
beside it, operators, passes and targets of other packages, a comparison that could not be made.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import edgewright
from edgewright import targets as target_registry
from edgewright import toolchain
from edgewright.artifact.package import Package, load_package, unpack, write_archive
from edgewright.errors import EdgewrightError, InvalidOption
from edgewright.pipeline.destination import check_destination, put, workshop
from edgewright.toolchain import cache

_SOURCES = Path(edgewright.__file__).parent
_GROUPS = ("edgewright.ops", "edgewright.passes", "edgewright.targets")
_DIGEST_BYTES = hashlib.sha256().digest_size
#: a larger package would drive too much else out of the cache
MOST_BYTES = cache.LIMIT_BYTES // 4
#: what ONNX calls the place of weights in another file: a text of eight letters
_ELSEWHERE = b"\x08location"


def build_or_reuse(
    model: Path,
    targets: Sequence[str],
    out: Path,
    *,
    cached: bool = True,
    progress: Callable[[str], None],
    **options: Any,
) -> Package:
    """What `build` makes of a file: from the cache where it was built before.

    Args:
        model: the file.
        targets: names of targets.
        out: where the package goes.
        cached: False builds it in any case, and keeps nothing.
        progress: as of `build`.
        options: the other arguments of `build`.

    Raises:
        what `build` raises.
    """
    name = key(model, targets, options) if cached else None
    if name is not None and (found := _read(name)) is not None:
        check_destination(out)
        return _restore(found, out)
    from edgewright.pipeline.build import build

    package = build(model, targets, out, progress=progress, **options)
    if name is not None and name == key(model, targets, options):  # files may change meanwhile
        _keep(name, package)
    return package


def key(model: Path, targets: Sequence[str], options: Mapping[str, Any]) -> str | None:
    """The name of a build's entry in the cache; None where a name cannot say all that matters."""
    try:
        data = model.read_bytes()
        if _ELSEWHERE in data or any(entry_points(group=group) for group in _GROUPS):
            return None
        parts: list[str | bytes] = [
            _sources(), *_installed(), sys.version, *_machine(), *_tools(targets, options),
            model.name, data, _contract(model), *targets,
            json.dumps(options, default=_content, sort_keys=True),
        ]  # fmt: skip
    except (EdgewrightError, OSError, ValueError, TypeError):  # `build` says what is wrong
        return None
    return cache.key(parts) + ".package"


def _content(value: Any) -> Any:
    """An option as JSON: of a file its content. Raises TypeError, OSError."""
    if isinstance(value, os.PathLike):
        return hashlib.sha256(Path(value).read_bytes()).hexdigest()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no content")


def _sources() -> str:
    """A hash of all files of this package: its version does not tell one checkout from another."""
    digest = hashlib.sha256()
    for folder, folders, names in os.walk(_SOURCES):
        folders[:] = sorted(f for f in folders if f != "__pycache__")
        for name in sorted(names):
            path = Path(folder, name)
            digest.update(path.relative_to(_SOURCES).as_posix().encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _installed() -> list[str]:
    """The installed packages with their versions, as the names of their folders say them."""
    found: set[str] = set()
    for folder in sys.path:
        with suppress(OSError):
            found.update(p.name for p in Path(folder).iterdir() if p.suffix.endswith("-info"))
    return sorted(found)


def _machine() -> Iterator[str]:
    """What the verdict depends on: the CPU, and the level that is forced."""
    yield from (platform.system(), platform.machine(), *sorted(target_registry.cpu_features()))
    yield from (f"{k}={v}" for k, v in sorted(os.environ.items())
                if k.startswith("EDGEWRIGHT_") and k != cache.VARIABLE)  # fmt: skip


def _tools(targets: Sequence[str], options: Mapping[str, Any]) -> Iterator[str]:
    """For each target its compiler and what runs it here. Raises EdgewrightError."""
    for target in target_registry.named(targets):
        compiler = toolchain.find_compiler(target, options.get("compiler"))
        yield from (target.name, compiler.name, compiler.version)
        yield from (runner.name for runner in target.runners_here)


def _contract(model: Path) -> str:
    """What the file beside the model says, its labels included. Raises EdgewrightError."""
    beside = [model.with_suffix(".toml"), model.parent / "model.toml"]
    if not any(path.is_file() for path in beside):
        return ""
    from edgewright.data import contract

    found = contract.path_beside(model)
    return contract.load(found).model_dump_json() if found else ""


def _read(name: str) -> bytes | None:
    """The archive of a package; None where there is none, or a damaged one."""
    entry = cache.find(name)
    if entry is None:
        return None
    with suppress(OSError):
        data = entry.read_bytes()
        archive = data[_DIGEST_BYTES:]
        if hashlib.sha256(archive).digest() == data[:_DIGEST_BYTES]:
            return archive
        entry.unlink()
    return None


def _restore(archive: bytes, out: Path) -> Package:
    place = out.absolute()  # the folder that we are in may be the one to be replaced
    with workshop(out) as room:
        folder = room / "package"
        with zipfile.ZipFile(io.BytesIO(archive)) as file:
            unpack(file, folder)
        put(folder, out)
    return load_package(place)


def _keep(name: str, package: Package) -> None:
    """Keep a package whose proof is whole; a cache that cannot be written to is no error."""
    manifest = package.manifest
    ran = all(info.verdicts for t, info in manifest.targets.items()
              if target_registry.get(t).runners_here)  # fmt: skip
    size = sum(p.stat().st_size for p in package.folder.rglob("*") if p.is_file())
    if manifest.proof_notes or not manifest.oracles or not ran or size > MOST_BYTES:
        return

    def make(draft: Path) -> None:
        write_archive(package.folder, draft, compress=False)
        archive = draft.read_bytes()
        draft.write_bytes(hashlib.sha256(archive).digest() + archive)

    with suppress(InvalidOption, OSError):
        cache.lookup(name, make)
        cache.prune()
