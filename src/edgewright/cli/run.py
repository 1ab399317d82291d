"""Run a package on files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np

from edgewright.cli.console import json_option, out, percent, show, table
from edgewright.cli.model_options import device_of, device_option
from edgewright.errors import InvalidOption


@click.command(name="run")
@click.argument("package", type=click.Path(path_type=Path))
@click.argument("inputs", nargs=-1, metavar="[NAME=]FILE...")
@click.option("-t", "--target", help="Default: this machine's own.")
@click.option("--save", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
              help="Write each output as FOLDER/NAME.npy.")  # fmt: skip
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True,
              help="Number of classes to print.")  # fmt: skip
@device_option
@json_option
def command(
    package: Path, inputs: tuple[str, ...], target: str | None, save: Path | None, top: int,
    as_json: bool, **given: Any,
) -> None:  # fmt: skip
    """Run PACKAGE on one file per input: .npy, .png, .jpg, .bmp, .wav, or raw bytes.

    Pictures and sound are prepared as the model contract says.

    \b
    Examples:
      edgewright run dist photo.jpg
      edgewright run dist image=photo.jpg state=zeros.npy --save outputs
      edgewright run dist photo.jpg --device ssh://pi@raspberrypi.local
    """
    from edgewright.artifact import load_package
    from edgewright.pipeline.samples import assign_files, contract_of, load_inputs, top_classes

    opened = load_package(package, target, device_of(given))
    opened.check_weights()
    contract = contract_of(opened)
    arrays = load_inputs(opened, contract, assign_files(opened, inputs))
    outputs = opened.run(arrays)
    if save is not None:
        _save(save, {info.identifier: outputs[info.name] for info in opened.outputs})
    found = [top_classes(opened, contract, i, outputs, top) for i in range(len(opened.outputs))]
    document = {
        "outputs": {
            info.name: {
                "shape": list(outputs[info.name].shape),
                "values": _values(outputs[info.name]),
            }
            for info in opened.outputs
        },
        "classes": {i.name: f for i, f in zip(opened.outputs, found, strict=True) if f},
    }
    show(as_json, document, lambda: _render(opened, outputs, found))


def _save(folder: Path, arrays: dict[str, Any]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array, allow_pickle=False)
    except OSError as error:
        raise InvalidOption(f"cannot write the outputs: {error.strerror}", where=folder,
                            help="choose another --save") from error  # fmt: skip


def _values(array: Any) -> Any:
    """Numbers for JSON; long outputs belong into files."""
    return array.ravel()[:1000].tolist()


def _render(opened: Any, outputs: Any, found: list[Any]) -> None:
    for info, classes in zip(opened.outputs, found, strict=True):
        array = outputs[info.name]
        if classes:
            rows = [[c["label"], percent(c["score"]), c["index"]] for c in classes]
            table([info.name, "score", "index"], rows)
        else:
            flat = np.array2string(array.ravel()[:16], precision=5, separator=", ")
            more = " ..." if array.size > 16 else ""
            out.print(f"{info.name} {array.dtype}{list(array.shape)}: {flat}{more}")
