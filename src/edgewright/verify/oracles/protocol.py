"""How a job and its answer travel through a pipe: arrays in an .npz beside one JSON header.

Only plain arrays and JSON are read back: what comes from a process that parsed a hostile file must
not be able to run code here (as a pickle could).
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Tensors = dict[str, Array]


def pack(
    header: Mapping[str, Any], runs: Sequence[Mapping[str, Array]], blob: bytes = b""
) -> bytes:
    """Return the bytes of a header (JSON values), a list of named arrays and a blob."""
    names = [list(run) for run in runs]
    text = json.dumps({"header": header, "runs": names}).encode()
    arrays = {f"{i}_{j}": a for i, run in enumerate(runs) for j, a in enumerate(run.values())}
    stream = io.BytesIO()
    np.savez(
        stream,
        allow_pickle=False,
        header=np.frombuffer(text, np.uint8),
        blob=np.frombuffer(blob, np.uint8),
        **arrays,
    )
    return stream.getvalue()


def unpack(data: bytes) -> tuple[dict[str, Any], list[Tensors], bytes]:
    """Read what `pack` wrote. Raises ValueError when the bytes are not such a message."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            text = json.loads(arrays["header"].tobytes())
            runs = [
                {name: arrays[f"{i}_{j}"] for j, name in enumerate(names)}
                for i, names in enumerate(text["runs"])
            ]
            return text["header"], runs, arrays["blob"].tobytes()
    except Exception as error:  # zipfile, json and numpy each have their own
        raise ValueError(f"not a message of an oracle: {error}") from error
