"""What fewer bits cost, as it is reported."""

import numpy as np
import pytest

from edgewright.verify.precision import costs


def test_errors_are_shares_of_the_range() -> None:
    wanted = [{"y": np.array([[0.0, 4.0]], np.float32)}, {"y": np.array([[2.0, 8.0]], np.float32)}]
    actual = [{"y": np.array([[0.0, 4.0]], np.float32)}, {"y": np.array([[2.0, 6.0]], np.float32)}]
    (cost,) = costs(actual, wanted)
    assert cost.output == "y"
    assert cost.max_error == pytest.approx(2 / 8)
    assert cost.rms_error == pytest.approx(1 / 8)  # root of 4 / 4, of a range of 8
    assert cost.same_top == 1.0


def test_same_top_counts_rows() -> None:
    wanted = [{"y": np.array([[0, 1], [1, 0], [0, 1], [3, 2]], np.float32)}]
    actual = [{"y": np.array([[1, 0], [1, 0], [0, 1], [3, 2]], np.float32)}]
    (cost,) = costs(actual, wanted)
    assert cost.same_top == 0.75


@pytest.mark.parametrize("shape", [(4,), (1, 1), (1, 2, 3)])
def test_other_outputs_have_no_top(shape: tuple[int, ...]) -> None:
    outputs = [{"y": np.ones(shape, np.float32)}]
    (cost,) = costs(outputs, outputs)
    assert cost.same_top is None and cost.rms_error == cost.max_error == 0.0
