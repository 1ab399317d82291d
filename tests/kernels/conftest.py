"""The ISA levels that kernel tests run on."""

import pytest
from tests.kernels.harness import EMULATED, LEVELS, Level


@pytest.fixture(params=sorted(LEVELS))
def level(request: pytest.FixtureRequest) -> Level:
    """Each level that this machine has."""
    found = LEVELS[request.param]
    if not found.runs:
        pytest.skip(f"this CPU lacks one of {', '.join(found.features)}")
    return found


@pytest.fixture(params=sorted(EMULATED))
def emulated(request: pytest.FixtureRequest) -> Level:
    """Each level that an emulator runs."""
    found = EMULATED[request.param]
    if not found.runs:
        pytest.skip(f"{found.emulator[0]} is not installed")
    return found
