"""`edgewright targets`: what is made, what runs it here, and what running the rest would take."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from edgewright import targets
from edgewright.cli import cli
from edgewright.targets import Runner


def listed(*options: str) -> str:
    done = CliRunner().invoke(cli, ["targets", *options])
    assert done.exit_code == 0, done.output
    return done.output


def rows() -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in json.loads(listed("--json"))["targets"]}


@pytest.fixture
def without_wine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose wine is not installed."""
    held = targets.registry()
    absent = Runner("wine", program="/no/wine64", debian=("wine64",), label="wine")
    windows = replace(held["windows-x86_64"], runners=(absent,))
    monkeypatch.setattr(targets, "registry", lambda: {**held, windows.name: windows})


def test_every_target_is_listed_with_what_it_makes() -> None:
    found = rows()
    assert set(found) == set(targets.registry())
    assert found["windows-x86_64"]["makes"] == "shared library (.dll)"
    assert found["ios-arm64"]["makes"] == "static library (.a)"
    assert found["host"]["runners"] == ["native"]


def test_a_target_without_any_runner_says_what_machine_it_needs() -> None:
    mac = rows()["macos-arm64"]
    assert not mac["runs_here"]
    assert mac["levels"] == []
    assert mac["advice"] == "needs a Mac with Apple silicon"
    assert "needs a Mac with Apple silicon: macos-arm64" in listed()


@pytest.mark.usefixtures("without_wine")
def test_a_missing_runner_says_what_to_install() -> None:
    windows = rows()["windows-x86_64"]
    assert not windows["runs_here"]
    assert windows["missing"] == ["/no/wine64"]
    assert windows["advice"] == windows["install"] == "apt-get install wine64"
    text = listed()
    assert "apt-get install wine64: windows-x86_64" in text
    count = sum(row["runs_here"] for row in rows().values())
    assert f"{count} of {len(rows())} run, and are verified, on this machine." in text
