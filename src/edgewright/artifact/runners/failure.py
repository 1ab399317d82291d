"""What a runner raises when the program it started failed."""

from __future__ import annotations

import re
from typing import NoReturn

from edgewright.errors import InternalError, InvalidInput

#: errors that a caller's input causes: EW_ERROR_SHAPE, EW_ERROR_INDEX
_REFUSALS = (6, 7)
_CODE = re.compile(r"error (\d+)")


def fail(message: str) -> NoReturn:
    """Raise InvalidInput where the model refused the input, else InternalError.

    Args:
        message: what the program printed; "error N" names one of the errors of `model.h`.
    """
    match = _CODE.search(message)
    if match and int(match[1]) in _REFUSALS:
        raise InvalidInput(f"the model refused the input (error {match[1]})")
    last = message.strip().splitlines()[-1:] or ["no message"]
    raise InternalError(f"the program that runs the model failed: {last[0]}")
