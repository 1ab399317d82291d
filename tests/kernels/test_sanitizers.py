"""The kernels under gcc's AddressSanitizer and UndefinedBehaviorSanitizer, and its warnings."""

import numpy as np
import pytest
from tests.kernels import test_conv_q8, test_depthwise_q8, test_float, test_vocabulary
from tests.kernels.harness import SANITIZED, Level


@pytest.fixture(params=sorted(SANITIZED))
def sanitized(request: pytest.FixtureRequest) -> Level:
    """Each level, compiled with gcc and both sanitizers."""
    found = SANITIZED[request.param]
    if not found.runs:
        pytest.skip("gcc is not installed, or this CPU lacks the level")
    return found


@pytest.mark.slow
@pytest.mark.timeout(1200)  # gcc takes its time for so many loops
def test_clean(sanitized: Level) -> None:
    """Shapes with every kind of remainder stay within their arguments and within C."""
    for s in [*test_conv_q8.MATRICES, *test_conv_q8.WINDOWS, *test_conv_q8.LINES]:
        test_conv_q8.check(sanitized, s, np.int8, "fixed", extreme=True)
        test_conv_q8.check(sanitized, s, np.uint8, "float", extreme=False, ratio=1.5)
        test_float.check_conv(sanitized, s, (0.0, 6.0), with_skip=True)
    for s in [*test_depthwise_q8.SHAPES, *test_depthwise_q8.FEW]:
        test_depthwise_q8.check(sanitized, s, np.uint8, "fixed", extreme=True)
        test_depthwise_q8.check(sanitized, s, np.int8, "float", extreme=False)
        test_float.check_depthwise(sanitized, s)
    for n in (0, 5, 16):
        test_vocabulary.check(sanitized, n)
