"""Instrumented code: the same answers, a mark after each operator, and none in what is shipped."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import edgewright as ew
from edgewright import targets
from edgewright.cli import cli
from edgewright.codegen import generate
from edgewright.errors import InvalidOption, MissingRunner
from edgewright.pipeline import load_model
from edgewright.pipeline.profile import ModelProfile, profile_elsewhere, profile_model

HOST = targets.get("host")


@pytest.fixture(scope="module")
def digits(examples: Path) -> Path:
    return examples / "models" / "digits_int8.onnx"


@pytest.fixture(scope="module")
def found(digits: Path) -> ModelProfile:
    return profile_model(digits, seconds=0.05)


def test_every_operator_has_a_row_in_run_order(digits: Path, found: ModelProfile) -> None:
    module = load_model(digits).module
    code = generate(module, HOST, "digits")
    (plan,) = code.plans.values()
    rows = found.profile.rows
    assert [row.op for row in rows] == [node.op for node in plan.order[module.main]]
    assert [row.index for row in rows] == list(range(len(rows)))
    assert all(row.average_us >= row.best_us >= 0 for row in rows)
    assert sum(row.macs for row in rows) == load_model(digits).macs
    assert found.arena_bytes == code.sizes.arena


def test_only_instrumented_code_has_marks(digits: Path) -> None:
    module = load_model(digits).module
    plain = generate(module, HOST, "digits")
    marked = generate(module, HOST, "digits", profiled=True)
    assert "ew_mark" not in plain.model_c
    assert marked.model_c.count("  ew_mark(env, ") == len(module.main.nodes) + 1
    assert marked.weights[64:] == plain.weights[64:]


def test_the_memory_map_is_the_plan(digits: Path, found: ModelProfile) -> None:
    used = np.zeros((len(found.profile.rows), found.arena_bytes), np.int32)
    for piece in found.memory:
        used[piece.start : piece.end + 1, piece.offset : piece.offset + piece.bytes] += 1
    assert used.max() == 1  # nothing overlaps
    assert used[:, -1].any()  # and the arena is no larger than its highest piece


def test_an_unknown_level_is_refused(digits: Path) -> None:
    with pytest.raises(ew.errors.InvalidOption, match="no ISA level 'mmx'"):
        profile_model(digits, seconds=0.05, level="mmx")


def test_the_command_prints_and_writes(digits: Path, tmp_path: Path) -> None:
    html = tmp_path / "profile.html"
    done = CliRunner().invoke(
        cli, ["profile", str(digits), "--seconds", "0.05", "--json", "--html", str(html)]
    )
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    shares = sum(row["average_us"] for row in document["types"])
    assert shares == pytest.approx(sum(row["average_us"] for row in document["operators"]))
    text = html.read_text(encoding="utf-8")
    assert len(text) < 150_000
    assert "http" not in text
    assert "<script" not in text
    assert text.count("<section>") >= 5


def runs(target: str) -> pytest.MarkDecorator:
    """Skip where nothing on this machine runs the target."""
    lacking = targets.available(targets.get(target)).missing
    return pytest.mark.skipif(bool(lacking), reason=f"needs {', '.join(lacking)}")


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("windows-x86_64", marks=runs("windows-x86_64")),
        pytest.param("android-x86_64", marks=runs("android-x86_64")),
        pytest.param("generic-c", marks=runs("generic-c")),
    ],
)
def test_programs_with_a_real_cpu_behind_them_are_timed(digits: Path, target: str) -> None:
    there = profile_elsewhere(digits, target, seconds=0.05)
    rows = there.profile.rows
    assert [row.op for row in rows][-3:] == ["fully_connected", "dequantize", "softmax"]
    assert all(row.average_us >= row.best_us >= 0 and row.roofline is None for row in rows)
    # The marks lie inside the run, so that their spans cannot add up to much more than it takes.
    assert 0 < sum(row.best_us for row in rows) <= there.profile.total.median * 1.5
    assert there.runner == targets.get(target).runners[0].name


@runs("windows-x86_64")
def test_the_command_profiles_under_wine(digits: Path, tmp_path: Path) -> None:
    page = tmp_path / "profile.html"
    words = ["profile", str(digits), "-t", "windows-x86_64", "--seconds", "0.05"]
    done = CliRunner().invoke(cli, [*words, "--html", str(page)])
    assert done.exit_code == 0, done.output
    assert "on wine" in done.stdout
    assert "this core at best" not in done.stdout
    assert "Roofline" not in page.read_text()


def test_an_emulator_has_no_time_to_measure(digits: Path) -> None:
    with pytest.raises(MissingRunner, match="nothing measures the time of linux-arm64 here"):
        profile_elsewhere(digits, "linux-arm64")


def test_options_of_timing_mean_nothing_to_an_emulator(digits: Path, tmp_path: Path) -> None:
    words = ["profile", str(digits), "-t", "cortex-m4", "--html", str(tmp_path / "x.html")]
    done = CliRunner().invoke(cli, words)
    assert isinstance(done.exception, InvalidOption)
    assert "an emulator counts" in str(done.exception)
    assert not list(tmp_path.iterdir())
