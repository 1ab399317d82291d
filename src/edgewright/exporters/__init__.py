"""Formats that a module can be written in: one folder each, each with `export`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Exported:
    """A file in memory, and what its reader needs to know about it.

    Attributes:
        data: the content of the file.
        names: tensor of the file -> tensor of the source model that it is. Tensors that exporting
            made, and those of which the source is not known, are absent.
        layouts: tensor of the file -> permutation, where it is not the identity: the file's tensor
            is `source.transpose(permutation)`.
        inputs: the file's name of each input of `main`, in order.
        outputs: the same for the outputs.
        states: where the format has no memory between calls: state -> the input that takes it,
            and the output that its next content comes out of.
        notes: what the user should know: what was decomposed, assumed, left out.
        minimum: the oldest runtime that reads it, such as "TFLite 2.3" or "opset 13".
    """

    data: bytes
    names: dict[str, str]
    notes: tuple[str, ...]
    minimum: str
    layouts: dict[str, tuple[int, ...]] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    states: dict[str, tuple[str, str]] = field(default_factory=dict)
