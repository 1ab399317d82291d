"""The file and the inputs that a runtime gets for a subject, made once under build/bench/."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchmarks.places import FOLDER
from benchmarks.subjects import Subject

if TYPE_CHECKING:
    from edgewright.graph import Node

Array = npt.NDArray[Any]
SOURCES = Path(__file__).parent.parent / "src" / "edgewright"
BUILD_LIMIT_S = 900
#: Builds may run side by side; what is loaded in this process is loaded one by one.
_loading = threading.Lock()


class Unavailable(Exception):
    """A runtime cannot have this subject; says why."""


@dataclass(frozen=True)
class Prepared:
    """What a worker is started with; `perms`: how inputs are transposed for the file, if at all."""

    model: Path
    inputs: Path
    perms: tuple[tuple[int, ...], ...] = ()


def compiler_version(mode: str) -> str:
    """A hash over the compiler's sources, and "float" or "fixed": the mode of requantization.

    Packages of another version are built anew.
    """
    digest = hashlib.sha256()
    for path in sorted(p for kind in ("py", "h", "c") for p in SOURCES.rglob(f"*.{kind}")):
        digest.update(path.relative_to(SOURCES).as_posix().encode() + path.read_bytes())
    return f"{digest.hexdigest()[:16]}-{mode}"


def prepare(subject: Subject, runtime: ModuleType, version: str, threads: int) -> Prepared:
    """The file in a format that the runtime reads, and inputs in that file's layout.

    Raises Unavailable, with the reason for the table.
    """
    arrays = sample(subject)
    if ".package" in runtime.READS:
        return Prepared(package(subject, version, threads), _saved(subject, "source", arrays))
    path, perms = _readable(subject, runtime)
    if perms:
        arrays = [np.ascontiguousarray(a.transpose(p)) for a, p in zip(arrays, perms, strict=True)]
    return Prepared(path, _saved(subject, path.suffix[1:], arrays), tuple(perms or ()))


def place(subject: Subject) -> Path:
    """The subject's folder."""
    folder = FOLDER / subject.key
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def refresh(subject: Subject) -> None:
    """Forget what was made from another source file."""
    source = subject.source()
    about = source.stat() if source.exists() else None
    found = f"{source.name} {about.st_size} {about.st_mtime_ns}" if about else "absent"
    stamp = place(subject) / "source.txt"
    if not stamp.exists() or stamp.read_text() != found:
        shutil.rmtree(stamp.parent)
        (place(subject) / "source.txt").write_text(found)


def package(subject: Subject, version: str, threads: int = 1) -> Path:
    """Edgewright's package of a subject, built by its command. Raises Unavailable.

    Args:
        subject: what is built.
        version: what the package must be of: `compiler_version` with the mode.
        threads: that it is built for; one thread has a package of its own.
    """
    folder = place(subject) / f"package{threads}"
    stamp = _stamp(subject, threads)
    known = json.loads(stamp.read_text()) if stamp.exists() else {}
    if known.get("version") == version:
        if "failure" in known:
            raise Unavailable(known["failure"])
        return folder
    known = {"version": version, **_build(subject, folder, version.rpartition("-")[2], threads)}
    stamp.write_text(json.dumps(known))
    if "failure" in known:
        raise Unavailable(known["failure"])
    return folder


def _stamp(subject: Subject, threads: int) -> Path:
    """What is known of a package, or why there is none."""
    return place(subject) / f"package{threads}.json"


def build_seconds(subject: Subject, threads: int) -> float | None:
    """How long the last build of the package took, its verification included."""
    stamp = _stamp(subject, threads)
    known = json.loads(stamp.read_text()) if stamp.exists() else {}
    return known.get("seconds")


def _build(subject: Subject, folder: Path, mode: str, threads: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "edgewright", "build", str(subject.source()), "-o", folder]
    command += ["--requantization", mode]
    command += ["--threads", str(threads)] if threads > 1 else []
    for name, shape in subject.shapes.items():
        command += ["--shape", f"{name}={','.join(map(str, shape))}"]
    start = time.perf_counter()
    try:
        done = subprocess.run(
            [str(c) for c in command], check=False, capture_output=True, text=True,
            timeout=BUILD_LIMIT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"failure": f"the build takes more than {BUILD_LIMIT_S} s"}
    if done.returncode:
        return {"failure": " ".join(done.stderr.split())[:400]}
    seconds = time.perf_counter() - start
    with _loading:
        return {"seconds": seconds, "work": {"nodes": _work(subject)}}


def sample(subject: Subject) -> list[Array]:
    """One set of inputs in the source's layout, from a fixed seed. Raises Unavailable."""
    kept = place(subject) / "inputs-source.npz"
    if kept.exists():
        with np.load(kept) as file:
            return [file[k] for k in file.files]
    from edgewright.errors import EdgewrightError
    from edgewright.pipeline.model import load_model
    from edgewright.verify.samples import draw

    try:
        model = load_model(subject.source(), shapes=subject.shapes or None)
    except EdgewrightError as error:
        raise Unavailable(f"not imported: {' '.join(str(error).split())[:300]}") from error
    except OSError as error:
        raise Unavailable(str(error)) from error
    drawn = list(draw(model.module.main, 1)[0].values())
    _saved(subject, "source", drawn)
    return drawn


def work(subject: Subject, threads: int) -> dict[str, Any]:
    """What one run of the package has to do, once `package` has built it.

    `nodes` has a row for each operator that multiplies: its multiply-accumulates, those of the
    algorithm that was chosen, the bytes of its constants, and how often a run reads them.
    """
    found: dict[str, Any] = json.loads(_stamp(subject, threads).read_text())["work"]
    return found


def _work(subject: Subject) -> list[tuple[int, int, int, int]]:
    from edgewright import ops
    from edgewright.graph import upper
    from edgewright.pipeline.model import load_model

    model = load_model(subject.source(), shapes=subject.shapes or None)
    rows = []
    for node in model.module.main.walk():
        macs = ops.of(node).macs(node)
        if not macs:
            continue
        constants = [v for v in node.inputs if v is not None and v.is_constant]
        if node.op == "lstm":  # its input's weights are read once, the recurrent ones at each step
            constants = [node.input(2)]
        size = sum(upper(v.type.count) * v.type.dtype.bits // 8 for v in constants)
        steps = upper(node.input(0).type.shape[0]) if node.op == "lstm" else 1
        rows.append((macs, round(macs * _share(node)), size, steps))
    return rows


def _share(node: Node) -> float:
    """Products of the chosen form of a layer by those of the direct form, as they cost."""
    from edgewright import ops, targets
    from edgewright.ops import conv, conv_choice, strassen, winograd, winograd_q8

    op, host = ops.of(node), targets.get("host")
    if node.op == "fully_connected" and conv_choice.product_form(node, host).strassen:
        return strassen.SHARE
    if not isinstance(op, conv.Conv):
        return 1.0
    form = conv_choice.form(node, op, host)
    if form.strassen:
        return strassen.SHARE
    if not form.winograd:
        return 1.0
    batch, height, width = node.output.type.dims[:3]
    direct = 9 * batch * height * width
    if winograd_q8.fits(node, op, host):
        return 36 * winograd_q8.PRODUCT * winograd_q8.tiles(node) / direct
    return 16 * winograd.tiles(node, op) / direct


def _saved(subject: Subject, kind: str, arrays: list[Array]) -> Path:
    path = place(subject) / f"inputs-{kind}.npz"
    if not path.exists():
        np.savez(path, *arrays)
    return path


def _readable(
    subject: Subject, runtime: ModuleType
) -> tuple[Path, list[tuple[int, ...]] | None]:  # fmt: skip
    """A file that the runtime reads, and how its inputs are transposed."""
    files: dict[str, Callable[[], Path]] = {**subject.others}
    source = subject.source()
    files.setdefault(source.suffix, lambda: source)
    for suffix in runtime.READS:
        if suffix in files:
            return files[suffix](), None
    if ".tflite" in runtime.READS and subject.group == "nets":
        return _exported(subject)
    if source.suffix in getattr(runtime, "CONVERTS", ()):
        return _converted(subject, runtime, source), None
    raise Unavailable(f"does not read {source.suffix}")


def _converted(subject: Subject, runtime: ModuleType, source: Path) -> Path:
    """The file in the runtime's own format; a failure is remembered."""
    folder = place(subject) / runtime.__name__.rsplit(".", 1)[-1]
    done, failed = folder / "done", folder / "failure"
    if done.exists():
        return folder / done.read_text()
    if failed.exists():
        raise Unavailable(failed.read_text())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        made: Path = runtime.convert(source.absolute(), folder.absolute())
        if not made.exists():
            raise FileNotFoundError("its converter wrote nothing")
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error).encode()
        lines = said.decode(errors="replace").strip().splitlines() or [""]
        last = "it crashed" if getattr(error, "returncode", 0) < 0 else lines[-1]
        failed.write_text(f"its converter failed: {last}"[:200])
        raise Unavailable(failed.read_text()) from error
    done.write_text(made.name)
    return folder / made.name


def _exported(subject: Subject) -> tuple[Path, list[tuple[int, ...]]]:
    """The .tflite file that Edgewright's exporter makes, for int8 by LiteRT's own quantiser."""
    from benchmarks.tflite_files import exported, quantised

    try:
        path, perms = exported(subject, FOLDER)
        if subject.dtype == "int8":
            path = quantised(path, sample(subject), perms)
    except Exception as error:
        text = f"no .tflite: {type(error).__name__}: {' '.join(str(error).split())}"
        raise Unavailable(text[:300]) from error
    return path, perms
