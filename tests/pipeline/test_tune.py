"""`build --tune`: a file is made, completed, obeyed, and refused where it does not fit."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper
from tests.tuning.test_cycles import needs_mca

import edgewright as ew
from edgewright.artifact.manifest import Manifest
from edgewright.cli import cli
from edgewright.codegen import program
from edgewright.errors import InvalidOption, InvalidTuning
from edgewright.pipeline import tune_here
from edgewright.tuning import decide, measure
from edgewright.verify import layers


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Any:
    """Fewer and shorter turns: these tests are not about time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "ROUNDS", 5)
        patch.setattr(measure, "TURN_S", 1e-4)
        yield


def net(path: Path, sizes: tuple[int, ...] = (6,)) -> Path:
    """3x3 convolutions of 16 channels, each on an image of its own: two ways for 6x6 pixels."""
    random = np.random.default_rng(5)
    w = numpy_helper.from_array(random.normal(0, 0.1, (16, 16, 3, 3)).astype(np.float32), "w")
    names = [f"{stem}{size}" for stem in "xy" for size in sizes]
    values = [
        helper.make_tensor_value_info(
            name, TensorProto.FLOAT, [1, 16, int(name[1:]), int(name[1:])]
        )
        for name in names
    ]
    nodes = [
        helper.make_node("Conv", [f"x{size}", "w"], [f"y{size}"], pads=[1, 1, 1, 1])
        for size in sizes
    ]
    count = len(sizes)
    graph = helper.make_graph(nodes, "g", values[:count], values[count:], [w])
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the net, its package, and the tuning file that was made for it."""
    folder = tmp_path_factory.mktemp("tune")
    ew.build(net(folder / "net.onnx"), out=folder / "made", tune=folder / "net.tune.json")
    return folder


def files(package: Path) -> dict[str, bytes]:
    """Everything but the verdict."""
    held = (p for p in package.rglob("*") if p.is_file() and p.name != "verdict.json")
    return {p.relative_to(package).as_posix(): p.read_bytes() for p in held}


def edited(place: Path, name: str, **changes: Any) -> Path:
    """The tuning file with changes to its only layer, or to `where`."""
    document = json.loads((place / "net.tune.json").read_text())
    held = document["targets"]["host"]
    (layer,) = held["layers"].values()
    for key, value in changes.items():
        (held["where"] if key in held["where"] else layer)[key] = value
    path = place / name
    path.write_text(json.dumps(document))
    return path


def trials(place: Path) -> int:
    """How many ways the net's layer has."""
    held: int = json.loads((place / "net.tune.json").read_text())["targets"]["host"]["trials"]
    return held


def manifest_of(package: Path) -> Manifest:
    return ew.load_package(package).manifest


def test_an_absent_file_is_made(place: Path) -> None:
    document = json.loads((place / "net.tune.json").read_text())
    held = document["targets"]["host"]
    ((key, layer),) = held["layers"].items()
    assert key.startswith("conv_f32 float32[1,6,6,16] float32[16,3,3,16] ")
    assert {"direct", "winograd"} <= set(layer["microseconds"])
    assert all(time > 0 for time in layer["microseconds"].values())
    assert layer["default"] == "winograd"
    assert held["trials"] == len(layer["microseconds"])
    assert held["where"]["method"] == "measured"


def test_the_package_records_what_it_was_built_with(place: Path) -> None:
    manifest = manifest_of(place / "made")
    document = json.loads((place / "net.tune.json").read_text())["targets"]["host"]
    info = manifest.tuning["host"]
    assert info.model_dump(exclude={"choices"}) == document["where"]
    assert info.choices == {k: v["chosen"] for k, v in document["layers"].items()}
    assert "tuning.json" in manifest.files
    (report,) = manifest.tuned
    assert (report.target, report.trials, report.layers) == ("host", trials(place), 1)
    assert "tuned" not in (place / "made" / "manifest.json").read_text()  # times are no content


def test_the_file_makes_the_same_bytes_and_nothing_is_measured(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "measure", lambda *_: pytest.fail("it was measured"))
    before = (place / "net.tune.json").read_bytes()
    ew.build(place / "net.onnx", out=place / "again", tune=place / "net.tune.json")
    assert files(place / "again") == files(place / "made")
    ew.build(place / "net.onnx", out=place / "own", tune=place / "made" / "tuning.json")
    assert files(place / "own") == files(place / "made")
    assert (place / "net.tune.json").read_bytes() == before


@pytest.mark.parametrize("chosen", ["direct", "winograd"])
def test_the_file_decides_and_the_build_still_verifies(place: Path, chosen: str) -> None:
    path = edited(place, f"{chosen}.json", chosen=chosen)
    package = ew.build(place / "net.onnx", out=place / chosen, tune=path)
    text = (place / chosen / "targets" / "host" / "model.c").read_text()
    assert ("ew_conv_winograd_f32(" in text) == (chosen == "winograd")
    assert package.manifest.targets["host"].verdicts
    assert ew.verify(package, against=place / "net.onnx")


def test_a_whole_file_of_another_machine_is_used_and_told(place: Path) -> None:
    path = edited(place, "foreign.json", cpu="Another CPU")
    package = ew.build(place / "net.onnx", out=place / "foreign", tune=path)
    (report,) = package.manifest.tuned
    assert any("Another CPU" in note for note in report.notes)
    assert (
        files(place / "foreign")["targets/host/model.c"]
        == files(place / "made")["targets/host/model.c"]
    )


@pytest.mark.parametrize("change", [{"cpu": "Another CPU"}, {"compiler": "zig 0.1"}])
def test_another_machines_file_is_not_added_to(place: Path, change: dict[str, str]) -> None:
    path = edited(place, "foreign.json", **change)
    before = path.read_bytes()
    two = net(place / "two.onnx", (6, 8))
    with pytest.raises(InvalidTuning, match="lacks 1 layer of host") as caught:
        ew.build(two, out=place / "never", tune=path)
    (other,) = change.values()
    assert other in caught.value.what
    assert manifest_of(place / "made").tuning["host"].cpu in caught.value.what
    assert path.read_bytes() == before
    assert not (place / "never").exists()


def test_only_what_lacks_is_measured(place: Path, tmp_path: Path) -> None:
    path = tmp_path / "shared.json"
    path.write_bytes((place / "net.tune.json").read_bytes())
    two = net(tmp_path / "two.onnx", (6, 5))
    package = ew.build(two, out=tmp_path / "two", tune=path)
    (report,) = package.manifest.tuned
    assert report.trials >= 2
    assert report.layers == 2
    first = json.loads((place / "net.tune.json").read_text())["targets"]["host"]["layers"]
    both = json.loads(path.read_text())["targets"]["host"]["layers"]
    assert len(both) == 2
    assert first.items() <= both.items()
    ew.build(place / "net.onnx", out=tmp_path / "one", tune=path)
    assert files(tmp_path / "one") == files(place / "made")  # whatever else the file has


def test_an_unknown_way_and_a_broken_file_are_refused(place: Path) -> None:
    path = edited(place, "unknown.json", chosen="magic")
    with pytest.raises(InvalidTuning, match="no way 'magic'"):
        ew.build(place / "net.onnx", out=place / "never", tune=path)
    path.write_text("{")
    done = CliRunner().invoke(
        cli, ["build", str(place / "net.onnx"), "-o", str(place / "never"), "--tune", str(path)]
    )
    assert isinstance(done.exception, InvalidTuning)
    assert done.exception.exit_code == 2


def test_nothing_is_left_when_it_is_interrupted(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(measure, "measure", stop)
    with pytest.raises(KeyboardInterrupt):
        ew.build(place / "net.onnx", out=tmp_path / "out", tune=tmp_path / "t.json")
    assert list(tmp_path.iterdir()) == []


def test_what_loses_in_the_whole_net_goes_back(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first measurement says that the other way wins, the second one that it does not."""
    monkeypatch.setattr(decide, "decide", lambda times: decide.Decision(1, 0.5))
    monkeypatch.setattr(tune_here, "_compare", whole(10.0, 9.0))
    for again, chosen in ((True, "direct"), (False, "winograd")):
        monkeypatch.setattr(decide, "wins_again", lambda *_, says=again: says)
        path = tmp_path / f"{chosen}.json"
        package = ew.build(place / "net.onnx", out=tmp_path / chosen, tune=path)
        ((_, found),) = package.manifest.tuning["host"].choices.items()
        (report,) = package.manifest.tuned
        assert found == chosen
        assert len(report.changes) == int(again)
        assert (report.before_us, report.after_us) == (10.0, 9.0)


def whole(before: float, after: float) -> Any:
    """In place of the comparison of whole nets."""

    def compare(found: tune_here.Found, times: measure.Measured) -> None:
        assert (times.whole > 0).all()
        found.before_us, found.after_us = before, after

    return compare


def test_a_net_that_gains_nothing_keeps_its_defaults(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide, "decide", lambda times: decide.Decision(1, 0.5))
    monkeypatch.setattr(decide, "wins_again", lambda *_: True)
    monkeypatch.setattr(tune_here, "_compare", whole(10.0, 10.1))
    package = ew.build(place / "net.onnx", out=tmp_path / "out", tune=tmp_path / "t.json")
    (report,) = package.manifest.tuned
    assert list(package.manifest.tuning["host"].choices.values()) == ["winograd"]
    assert not report.changes
    assert not report.before_us
    assert "0.990 times as fast" in report.notes[0]


def test_no_more_trials_than_the_limit(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune_here, "MOST_TRIALS", 1)
    path = tmp_path / "t.json"
    package = ew.build(place / "net.onnx", out=tmp_path / "out", tune=path)
    (report,) = package.manifest.tuned
    assert report.trials == 0
    assert any("1 trials are the limit" in note for note in report.notes)


def test_the_command_prints_what_was_tuned(place: Path, tmp_path: Path) -> None:
    arguments = ["build", str(place / "net.onnx"), "-o", str(tmp_path / "out"), "--tune"]
    done = CliRunner().invoke(cli, [*arguments, str(tmp_path / "t.json")])
    assert done.exit_code == 0, done.output
    assert f"host: {trials(place)} ways tried" in done.stdout
    done = CliRunner().invoke(cli, [*arguments, str(tmp_path / "t.json"), "--json"])
    document = json.loads(done.stdout)
    assert document["tuned"][0]["trials"] == 0
    assert len(document["tuning"]["host"]["choices"]) == 1


def test_threads_are_part_of_what_is_tuned(place: Path, tmp_path: Path) -> None:
    """A 10x10 image is large enough for two threads, which work while it is measured."""
    path = tmp_path / "t.json"
    package = ew.build(net(tmp_path / "net.onnx", (10,)), out=tmp_path / "a", threads=2, tune=path)
    (key,) = package.manifest.tuning["host"].choices
    assert key.endswith("threads=2")
    assert "ew_parallel(" in (tmp_path / "a" / "targets" / "host" / "model.c").read_text()


@pytest.mark.slow
@needs_mca
def test_arm64_is_modelled_and_other_rows_verify(place: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    package = ew.build(place / "net.onnx", ["linux-arm64", "web"], tmp_path / "a", tune=path)
    arm, web = package.manifest.tuned
    assert {kernel.cpu for kernel in arm.kernels} >= {"cortex-a55", "apple-m1"}
    assert "not tuned" in web.notes[0]
    document = json.loads(path.read_text())
    (layer,) = document["targets"]["linux-arm64"]["layers"].values()
    assert layer["default"] == "rows=6"
    layer["chosen"] = "rows=5"
    path.write_text(json.dumps(document))
    ew.build(place / "net.onnx", ["linux-arm64"], tmp_path / "b", tune=path)
    text = (tmp_path / "b" / "targets" / "linux-arm64" / "model.c").read_text()
    assert "#define EW_F32_ROWS 5" in text
    assert len(manifest_of(tmp_path / "b").targets["linux-arm64"].verdicts) == 3


def test_layers_are_verified_as_they_are_tuned(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = edited(place, "direct.json", chosen="direct")
    package = ew.build(place / "net.onnx", out=tmp_path / "out", tune=path)
    made: list[str] = []
    real = program.generate

    def keep(*arguments: Any, **options: Any) -> Any:
        code = real(*arguments, **options)
        made.append(code.model_c)
        return code

    monkeypatch.setattr(layers, "generate", keep)
    assert ew.verify(package, against=place / "net.onnx", layers=True)
    assert "ew_conv_f32(" in made[0]
    assert "ew_conv_winograd_f32(" not in made[0]


def test_tuning_obeys_max_ram(tmp_path: Path) -> None:
    """Winograd's form of a 3x3 image takes 15 kB of scratch, the default one."""
    source = net(tmp_path / "net.onnx", (3,))
    ew.build(source, out=tmp_path / "made", tune=tmp_path / "net.tune.json")
    path = edited(tmp_path, "winograd.json", chosen="winograd")
    with pytest.raises(InvalidOption, match="as it is tuned, more than --max-ram 5000"):
        ew.build(source, out=tmp_path / "out", tune=path, max_ram=5_000)
