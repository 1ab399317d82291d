"""A built package: a folder, or a zip of it with the suffix `.ew`."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright import targets
from edgewright.artifact.devices import Device, connect
from edgewright.artifact.manifest import (
    FILE_NAME,
    EntryInfo,
    Manifest,
    TargetInfo,
    TensorInfo,
    read_manifest,
    with_proof,
)
from edgewright.artifact.memory import HUGE_BYTES, mapped
from edgewright.artifact.native import Bound, NativeModel, check_weights
from edgewright.artifact.remote import RemoteModel
from edgewright.errors import InvalidOption, InvalidPackage

Array = npt.NDArray[Any]
SUFFIX = ".ew"
MAX_UNPACKED_BYTES = 4 << 30
#: what zipfile raises on damaged archives, encrypted ones, and methods that it does not know
_ZIP_ERRORS = (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, zlib.error,
               NotImplementedError, RuntimeError)  # fmt: skip


class Package:
    """A package that was opened; runs on this machine's own target unless another is asked for.

    Args:
        folder: the unpacked package.
        target: a target of the package; by default the first one that runs here natively, or the
            first one that fits the device.
        device: where it runs instead of here; see `artifact.devices.connect`.
    """

    def __init__(
        self,
        folder: Path,
        target: str | None = None,
        device: Device | None = None,
        threads: int | None = None,
    ) -> None:
        self.folder, self.device, self.threads = folder, device, threads
        self._built = read_manifest(folder, proof=False)
        self.target_name = target if target is not None else self._default_target()
        if self.target_name not in self._built.targets:
            known = ", ".join(self._built.targets)
            raise InvalidOption(f"the package has no target {target!r}", help=f"it has {known}")
        if device is not None:
            device.choose([self.target_name])

    def _default_target(self) -> str:
        names = list(self._built.targets)
        if self.device is not None:
            return self.device.choose(names)[0]
        native = [n for n in names if targets.get(n).is_native]
        return (native or names)[0]

    @cached_property
    def manifest(self) -> Manifest:
        """All that is known of it, the verdict too, which loading does not read."""
        return with_proof(self._built, self.folder)

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """Name, dtype, shape and quantisation of the inputs of the first entry point."""
        return self._built.entries[0].inputs

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """The same for the outputs."""
        return self._built.entries[0].outputs

    @cached_property
    def model(self) -> NativeModel | RemoteModel:
        """The first entry point, loaded."""
        return self.entry_point(self._built.entries[0].graph)

    def entry_point(self, graph: str) -> NativeModel | RemoteModel:
        """Any entry point, loaded anew. Raises InvalidOption, InvalidPackage."""
        entry = self._entry(graph)
        info = self._built.targets[self.target_name]
        folder = self.folder / "targets" / self.target_name
        self._check_library(info)  # loading another would crash
        target = targets.get(self.target_name)
        if target.is_native and self.device is None:
            return NativeModel(folder, self._built.name, info, entry, self.threads)
        runner = self.device.runner if self.device else None
        return RemoteModel(folder, self._built.name, info, entry, target, runner)

    def _entry(self, graph: str) -> EntryInfo:
        for entry in self._built.entries:
            if entry.graph == graph:
                return entry
        known = ", ".join(e.graph for e in self._built.entries)
        raise InvalidOption(f"there is no entry point {graph!r}", help=f"one of: {known}")

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Array]:
        """Outputs by name. Thread-safe. Raises InvalidInput."""
        return self.model.run(inputs)

    def bind(self, inputs: Mapping[str, Any]) -> Bound:
        """A call without copies, for hot loops; see `Bound`. Native targets only."""
        if not isinstance(self.model, NativeModel):
            raise InvalidOption(
                f"target {self.target_name!r} does not run in this process and cannot be bound"
            )
        return self.model.bind(inputs)

    def reset(self) -> None:
        """Put the state back to its beginning, for models that have one."""
        self.model.reset()

    def vectors(self) -> list[tuple[dict[str, Array], dict[str, Array]]]:
        """The test vectors: inputs and the outputs that the reference gave."""
        return read_vectors(self.folder / "vectors")

    def check_files(self) -> None:
        """Compare every file with its SHA-256 in the manifest. Raises InvalidPackage."""
        for name in self._built.files:
            self._check_file(name)

    def check_weights(self) -> None:
        """Compare the target's weights with their own checksum. Raises InvalidPackage.

        Loading does not: it would cost more than a first run. `check_files` knows the weights of
        the build only, not those that replaced them.
        """
        info = self._built.targets[self.target_name]
        path = self.folder / "targets" / self.target_name / "weights.bin"
        if path.is_file() and path.stat().st_size < info.memory.weights_bytes:
            return  # loading says so
        check_weights(path)

    def _check_library(self, info: TargetInfo) -> None:
        name = f"targets/{self.target_name}/{info.library}"
        if info.library_crc32:
            self._compare(name, crc32, info.library_crc32)
        else:
            self._check_file(name)

    def _check_file(self, name: str) -> None:
        self._compare(name, sha256, self._built.files.get(name))

    def _compare(self, name: str, digest: Callable[[Path], str], wanted: str | None) -> None:
        try:
            same = digest(self.folder / name) == wanted
        except OSError:
            same = False
        if not same:
            raise InvalidPackage(f"{name} is missing or changed", where=self.folder,
                                 help="build the package again")  # fmt: skip


def load_package(
    path: str | os.PathLike[str],
    target: str | None = None,
    device: Device | str | None = None,
    threads: int | None = None,
) -> Package:
    """Open a package folder or `.ew` file.

    Args:
        path: the folder or file.
        target: one of the package's; default: this machine's own, or the one that fits the device.
        device: `ssh://user@host` or `adb://`: run there.
        threads: to use in this process, at most as many as the package was built for; default: as
            many as there are CPUs.

    Raises:
        InvalidPackage, InvalidOption; MissingRunner when the device does not answer.
    """
    where = Path(path)
    there = connect(device) if isinstance(device, str) else device
    if where.is_dir():
        return Package(where, target, there, threads)
    if not where.exists():
        raise InvalidPackage("there is no such package", where=where,
                             help="give what `edgewright build` wrote")  # fmt: skip
    return Package(_unpacked(where), target, there, threads)


def is_package(path: Path) -> bool:
    """Whether the path looks like a package rather than a model."""
    return path.suffix == SUFFIX or (path / FILE_NAME).is_file()


def sha256(path: Path) -> str:
    """Hex digest of a file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def crc32(path: Path) -> str:
    """Eight hex digits of a file. Raises OSError."""
    try:
        return f"{zlib.crc32(mapped(path).data):08x}"
    except ValueError:
        return "00000000"  # nothing can be mapped of an empty file


def _unpacked(archive: Path) -> Path:
    """Unpack a zip into the cache once; its SHA-256 names the folder."""
    from edgewright.toolchain import cache

    place = cache.root() / "packages" / sha256(archive)
    if place.is_dir():
        return place
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as name:
            temporary = Path(name) / "package"
            temporary.mkdir()
            _extract(archive, temporary)
            temporary.rename(place)
    except OSError as error:
        if not place.is_dir():  # another process may have been faster
            raise cache.unwritable(error.strerror or str(error)) from error
    return place


def _extract(archive: Path, folder: Path) -> None:
    """Unpack within bounds: no path outside the folder, no more than the stated size."""
    try:
        with zipfile.ZipFile(archive) as file:
            total = sum(item.file_size for item in file.infolist())
            if total > MAX_UNPACKED_BYTES:
                raise InvalidPackage(f"the package unpacks to {total} bytes", where=archive)
            for item in file.infolist():
                inside = (folder / item.filename).resolve().is_relative_to(folder.resolve())
                if not inside:
                    raise InvalidPackage(f"{item.filename!r} leads outside", where=archive)
            unpack(file, folder)
    except _ZIP_ERRORS as error:
        raise InvalidPackage(f"this is not a package: {error}", where=archive) from None


def unpack(archive: zipfile.ZipFile, folder: Path) -> None:
    """Write the files of an archive, whose names were checked.

    In large pieces: what the system keeps of a file in memory lies in pages of the size in which it
    was written, and weights in huge pages are mapped a millisecond sooner.
    """
    for item in archive.infolist():
        path = folder / item.filename
        if item.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(item) as source, path.open("wb") as file:
            while piece := source.read(HUGE_BYTES):
                file.write(piece)


def write_archive(folder: Path, archive: Path, *, compress: bool = True) -> None:
    """Zip a package folder: sorted, without times, so that the bytes depend on the content only."""
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(archive, "w", method, compresslevel=6) as file:
        for name in names:
            item = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            item.compress_type = method
            item.external_attr = 0o644 << 16
            file.writestr(item, (folder / name).read_bytes())


def write_vectors(
    folder: Path, vectors: Sequence[tuple[Mapping[str, Array], Mapping[str, Array]]]
) -> None:
    """One `.npy` per tensor: `vectors/0/inputs/NAME.npy`; names as C identifiers."""
    for index, pair in enumerate(vectors):
        for kind, arrays in zip(("inputs", "outputs"), pair, strict=True):
            place = folder / str(index) / kind
            place.mkdir(parents=True, exist_ok=True)
            for name, array in arrays.items():
                buffer = io.BytesIO()
                np.save(buffer, np.asarray(array, order="C"), allow_pickle=False)
                (place / f"{name}.npy").write_bytes(buffer.getvalue())


def read_vectors(folder: Path) -> list[tuple[dict[str, Array], dict[str, Array]]]:
    """The inverse of `write_vectors`; keys are C identifiers."""
    found = []
    for index in sorted(int(p.name) for p in folder.iterdir() if p.name.isdigit()):
        pair = []
        for kind in ("inputs", "outputs"):
            paths = sorted((folder / str(index) / kind).glob("*.npy"))
            pair.append({p.stem: np.load(p, allow_pickle=False) for p in paths})
        found.append((pair[0], pair[1]))
    return found
