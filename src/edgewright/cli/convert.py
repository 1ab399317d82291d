"""Write a model in another format, proven before it is put in place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgewright.cli.console import json_option, kilobytes, out, progress, show, table
from edgewright.cli.model_options import import_options, model_options


@click.command(name="convert")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("destination", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--weights",
    type=click.Choice(["float16", "dynamic_range"]),
    help="Store large float weights in 16 bits, or as 8-bit integers per channel.",
)
@click.option(
    "--opset",
    type=int,
    metavar="N",
    help="Operator set of an .onnx file; default: 18, or what the model needs.",
)
@click.option(
    "--channels-first/--channels-last",
    "channels_first",
    default=None,
    help="Order of image axes at the interface; default: as in the source for .onnx, "
    "channels-last for .tflite.",
)
@click.option("--layers", is_flag=True, help="Compare operator by operator, too.")
@click.option(
    "--tolerance",
    type=float,
    metavar="SHARE",
    help="Largest error end to end, as a share of the outputs' range.",
)
@click.option(
    "--names",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="JSON",
    help="Write the map from the new file's tensors to those of MODEL.",
)
@click.option(
    "--unverified",
    is_flag=True,
    help="Write the file without ever running it; the answer says so.",
)
@model_options
@json_option
def command(model: Path, destination: Path, as_json: bool, **given: Any) -> None:
    """Write MODEL as OUT, in the format that its suffix names: .tflite or .onnx.

    The new file is run by LiteRT or ONNX Runtime and compared with MODEL before it is put in place.
    Quantised types stay what they are; transposes of channels-first models vanish.

    \b
    Examples:
      edgewright convert mobilenet.onnx mobilenet.tflite
      edgewright convert kws_int8.tflite kws_int8.onnx --layers --names names.json
    """
    from edgewright.pipeline import convert

    unverified, weights = given.pop("unverified"), given.pop("weights") or "as_is"
    options = import_options(given)
    with progress(f"converting {model.name}") as step:
        made = convert(model, destination, weights=weights, verified=not unverified,
                       progress=step, **given, **options)  # fmt: skip
    show(as_json, made.to_json(), lambda: _render(made, given["layers"]))


def _render(made: Any, layers: bool) -> None:
    if layers and made.layers:
        _render_layers(made)
    for note in made.notes:
        out.print(f"note: {note}")
    before, after = kilobytes(made.bytes_before), kilobytes(made.bytes_after)
    out.print(f"size: {before} -> {after}, {made.contents.count:,} operators")
    inside, interface = made.contents.inside, made.contents.interface
    out.print(f"transposes: {inside} inside, {interface} at the interface")
    out.print(f"runs in: {made.minimum} or newer")
    _render_proof(made)
    out.print(f"wrote {made.path}" + ("" if made.proof else " UNVERIFIED"))


def _render_proof(made: Any) -> None:
    if made.proof is None:
        return
    proof = made.proof
    how = "bit-equal" if not proof.error else f"error {proof.error:.2g} of the range"
    bound = f" (tolerance {proof.tolerance:g})" if proof.tolerance else ""
    against = f"{proof.runtime} against {made.against}"
    out.print(f"verified: {how} in {against} on {proof.samples} samples{bound}")
    if made.layers:
        steps = [layer.error for layer in made.layers]
        out.print(f"operator by operator: {len(steps)} compared, largest error {max(steps):.3g}")
    if made.source is not None:
        error = made.source.max_error
        out.print(f"reference: error {error:.2g} against {made.source.oracle}")


def _render_layers(made: Any) -> None:
    rows = [
        [layer.index, layer.op, layer.name, layer.error, layer.tolerance,
         "ok" if layer.good else "DIFFERS"]
        for layer in made.layers
    ]  # fmt: skip
    table(["#", "operator", "tensor of the source", "error", "tolerance", ""], rows)
