"""Finished builds in the cache: they change how long a build takes, and never what is built."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgewright.cli import cli
from edgewright.pipeline import kept
from edgewright.toolchain import cache

MODEL = "digits_int8.onnx"
OPTIONS: dict[str, Any] = {"name": None, "threads": 1, "shapes": {}, "contract": None}


@pytest.fixture
def model(examples: Path, tmp_path: Path) -> Path:
    """A copy, in a folder without other files."""
    folder = tmp_path / "models"
    folder.mkdir()
    return Path(shutil.copy(examples / "models" / MODEL, folder / MODEL))


@pytest.fixture
def entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Path]]:
    """The kept builds, of which there are none at first; compiled files stay where they are."""
    folder = tmp_path / "kept"
    monkeypatch.setattr(cache, "_place", lambda name: _place(folder, name))
    monkeypatch.setattr(kept, "_sources", lambda: "as they are")  # somebody may be editing them
    return lambda: sorted(folder.rglob("*.package"))


_compiled = cache._place


def _place(folder: Path, name: str) -> Path:
    return folder / name if name.endswith(".package") else _compiled(name)


def built(model: Path, out: Path, **options: Any) -> dict[str, bytes]:
    """Every file of the package that the command's build makes."""
    kept.build_or_reuse(model, ("host",), out, progress=lambda _: None, **OPTIONS | options)
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def forbid_building(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("it was built")

    monkeypatch.setattr(importlib.import_module("edgewright.pipeline.build"), "build", refuse)


def test_a_kept_build_is_the_build(
    model: Path, tmp_path: Path, entries: Callable[[], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = built(model, tmp_path / "made")
    assert len(entries()) == 1
    forbid_building(monkeypatch)
    assert built(model, tmp_path / "again") == made
    with pytest.raises(AssertionError, match="it was built"):
        built(model, tmp_path / "anew", cached=False)


def test_a_damaged_entry_is_built_again(
    model: Path, tmp_path: Path, entries: Callable[[], list[Path]]
) -> None:
    made = built(model, tmp_path / "made")
    (entry,) = entries()
    whole = entry.read_bytes()
    for damaged in (whole[:-100], whole[:1000] + b"\0\0\0\0" + whole[1004:], b""):
        entry.write_bytes(damaged)
        assert built(model, tmp_path / "again") == made
        assert entry.read_bytes() == whole


def test_what_a_build_depends_on_is_in_its_key(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(path: Path = model, *targets: str, **options: Any) -> str | None:
        return kept.key(path, targets or ("host",), OPTIONS | options)

    monkeypatch.setattr(kept, "_sources", lambda: "as they are")
    found = [key(), key(model, "generic-c"), key(threads=2), key(name="other")]
    found.append(key(Path(shutil.copy(model, model.with_name("renamed.onnx")))))
    found += [key(shapes={"x": ["1"]}), key(compiler="gcc")]
    tuning = tmp_path / "tuning"
    for text in ("one", "two"):
        tuning.write_text(text)
        found.append(key(tune=tuning))
    monkeypatch.setenv("EDGEWRIGHT_ISA", "scalar")
    found.append(key())
    monkeypatch.delenv("EDGEWRIGHT_ISA")
    assert key() == found[0]
    monkeypatch.setattr(kept, "_sources", lambda: "changed")
    found.append(key())
    (model.parent / "model.toml").write_text('[model]\nname = "Digits"\n')
    found.append(key())
    with model.open("ab") as file:
        file.write(b"\0")
    found.append(key())
    assert None not in found
    assert len(set(found)) == len(found)


def test_what_no_key_can_tell_is_not_kept(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(path: Path, **options: Any) -> str | None:
        return kept.key(path, ("host",), OPTIONS | options)

    assert key(tmp_path / "absent.onnx") is None
    assert key(model, tune=tmp_path / "absent") is None
    assert key(model, given=object()) is None
    assert kept.key(model, ("no-such-target",), OPTIONS) is None
    monkeypatch.setattr(kept, "entry_points", lambda group: [group])
    assert key(model) is None
    monkeypatch.undo()
    assert key(model) is not None
    with model.open("ab") as file:
        file.write(b"\x0a\x08location\x12\x04file")
    assert key(model) is None


def test_an_unproven_build_is_not_kept(
    model: Path,
    tmp_path: Path,
    entries: Callable[[], list[Path]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from edgewright.errors import OracleError

    def fail(*_: Any, **__: Any) -> None:
        raise OracleError("it took too long")

    module = importlib.import_module("edgewright.pipeline.build")
    monkeypatch.setattr(module, "prove_source", fail)
    built(model, tmp_path / "made")
    assert entries() == []


def test_the_command_reuses_its_builds(
    model: Path, tmp_path: Path, entries: Callable[[], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["build", str(model), "-o", str(tmp_path / "out")]
    first = CliRunner().invoke(cli, command)
    assert first.exit_code == 0, first.output
    assert len(entries()) == 1
    forbid_building(monkeypatch)
    assert CliRunner().invoke(cli, command).output == first.output
    anew = CliRunner().invoke(cli, [*command, "--no-cache"])
    assert "it was built" in str(anew.exception)
