"""TFLite metadata from the model contract."""

from __future__ import annotations
from edgewright.data.contract import Contract
from edgewright.exporters.tflite.records import File
from edgewright.graph import Graph


def add_metadata(file: File, contract: Contract, main: Graph) -> bytes:
    return b""
