"""Build, verify and run a small model that comes with Edgewright: the main job, in a minute."""

from __future__ import annotations

import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from edgewright.cli.build import render
from edgewright.cli.console import json_option, out, percent, progress, show
from edgewright.errors import InternalError


def examples_folder() -> Path:
    """Where the examples are: in the installed package, or beside the sources."""
    inside = Path(str(files("edgewright"))) / "examples"
    beside = Path(__file__).resolve().parents[3] / "examples"
    for folder in (inside, beside):
        if (folder / "models").is_dir():
            return folder
    raise InternalError("the examples are missing from this installation",
                        help="reinstall edgewright")  # fmt: skip


@click.command(name="demo")
@click.option("-o", "--out", "destination", type=click.Path(path_type=Path), default="digits",
              show_default=True, help="Where the package goes.")  # fmt: skip
@json_option
def command(destination: Path, as_json: bool) -> None:
    """Compile an int8 digit classifier, prove it, and let the native code read handwriting.

    It was trained by examples/train_digits.py on scikit-learn's digits.

    \b
    Example:
      edgewright demo
    """
    from edgewright import targets
    from edgewright.pipeline import build
    from edgewright.pipeline.evaluate import evaluate

    folder = examples_folder()
    model, labels = folder / "models" / "digits_int8.onnx", folder / "digits" / "labels.csv"
    wanted = ["host"]
    if targets.available(targets.get("linux-arm64")):
        wanted.append("linux-arm64")
    start = time.perf_counter()
    with progress(f"building {model.name}") as step:
        package = build(model, wanted, destination, progress=step)
    built_s = time.perf_counter() - start
    with progress("reading digits") as step:
        report = evaluate(destination, labels, progress=step)
    document = {
        "package": package.manifest.model_dump(mode="json"),
        "evaluation": report.to_json(),
        "seconds": round(built_s, 2),
    }
    show(as_json, document, lambda: _render(package, destination, report, folder, built_s))


def _render(package: Any, destination: Path, report: Any, folder: Path, built_s: float) -> None:
    sample = folder / "digits" / "007.png"
    out.print(f"edgewright build {package.manifest.source.file}  ({built_s:.1f} s)", style="bold")
    render(package.manifest, destination)
    out.print()
    out.print(f"edgewright evaluate {destination} --data examples/digits/labels.csv", style="bold")
    out.print(
        f"the compiled code reads {percent(report.accuracy)} of {report.total} test digits right"
    )
    out.print(picture(sample))
    out.print(f"it takes this one for a {report.predictions[7]}")
    out.print()
    out.print("what to look at next:")
    code = destination / "targets" / "host" / "model.c"
    out.print(f"  {code}   the generated code; the model is at its end")
    out.print(f"  edgewright run {destination} {sample}")
    out.print("  edgewright inspect YOUR_MODEL.tflite")


def picture(path: Path) -> str:
    """A small grey picture in block characters."""
    from edgewright.data import samples

    shades = " ░▒▓█"
    pixels = samples.read(path, gray=True)
    rows = pixels.reshape(pixels.shape[0], pixels.shape[1], -1)[:, :, 0]
    return "\n".join(
        "  " + "".join(2 * shades[int(p) * (len(shades) - 1) // 255] for p in row) for row in rows
    )
