"""Packages of real models, each built once per session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import edgewright as ew
from edgewright.artifact import Package
from tests.models.catalog import Case


def source(models: Path, case: Case) -> Path:
    """The model's file; the test is skipped where it is absent."""
    path = models / case.path
    if not path.exists():
        pytest.skip(f"{path} is absent; see MANIFEST.md of the models")
    return path


@pytest.fixture(scope="session")
def package_of(
    models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Case, str], Package]:
    """Build a case in a mode for the host, or return the package from before."""
    built: dict[tuple[str, str], Package] = {}
    folder = tmp_path_factory.mktemp("packages")

    def get(case: Case, mode: str) -> Package:
        key = (case.path, mode)
        if key not in built:
            place = folder / f"{case.id}-{mode}"
            path = source(models, case)
            built[key] = ew.build(path, out=place, requantization=mode, states=case.states)
        return built[key]

    return get


@pytest.fixture
def subject(request: pytest.FixtureRequest) -> tuple[Case, str]:
    """The parameter of `each_model`."""
    found: tuple[Case, str] = request.param
    return found


@pytest.fixture
def case(subject: tuple[Case, str]) -> Case:
    """The model under test."""
    return subject[0]


@pytest.fixture
def mode(subject: tuple[Case, str]) -> str:
    """Its requantisation."""
    return subject[1]


@pytest.fixture
def package(case: Case, mode: str, package_of: Callable[[Case, str], Package]) -> Package:
    """Its package."""
    return package_of(case, mode)
