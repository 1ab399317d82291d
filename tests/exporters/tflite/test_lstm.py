"""LSTMs that are written out step by step; those with state are in tests/models."""

from __future__ import annotations

import pytest

from edgewright.errors import UnsupportedModel
from tests.exporters.tflite.harness import check_op, codes, floats
from tests.ops.harness import const

WEIGHTS = (const(floats(12, 5) / 4), const(floats(12, 3) / 4), const(floats(12)))


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("reverse", [False, True])
def test_without_a_first_state(steps: int, reverse: bool) -> None:
    model = check_op("lstm", [floats(steps, 2, 5), *WEIGHTS], reverse=reverse)
    assert codes(model).count("TANH") == 2 * steps


def test_with_a_first_state_and_a_clip() -> None:
    operands = [floats(3, 2, 5), *WEIGHTS[:2], None, floats(2, 3), floats(2, 3, seed=1)]
    check_op("lstm", operands, cell_clip=0.5)


def test_hundreds_of_steps_are_refused() -> None:
    with pytest.raises(UnsupportedModel, match="300 steps"):
        check_op("lstm", [floats(300, 2, 5), *WEIGHTS])
