"""Fixtures for operator tests; the work is in `harness.py`."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ops import harness


def pytest_configure(config: pytest.Config) -> None:
    """Let `--target` choose where the operators' code runs."""
    harness.chosen = config.getoption("--target")


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(0)
