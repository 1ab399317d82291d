"""The tuning file: what is written is read again, and what is wrong is named."""

from pathlib import Path

import pytest

from edgewright.errors import InvalidTuning
from edgewright.tuning.record import LayerTuning, TargetTuning, Tuning, Where, read_tuning

WHERE = Where(cpu="A CPU", level="avx2", compiler="zig 1", method="measured")


def tuning_of(*keys: str) -> Tuning:
    layers = {
        key: LayerTuning(chosen="b", default="a", microseconds={"a": 2.5, "b": 1.25})
        for key in keys
    }
    return Tuning(targets={"host": TargetTuning(where=WHERE, trials=99, layers=layers)})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    held = tuning_of("conv y", "conv x")
    path = tmp_path / "net.tune.json"
    path.write_text(held.text(), encoding="utf-8")
    assert read_tuning(path) == held
    assert held.text() == tuning_of("conv x", "conv y").text()  # in whatever order it was found
    assert held.text().index("conv x") < held.text().index("conv y")


def test_a_package_gets_the_layers_that_it_uses() -> None:
    """Whatever other models share the file."""
    used = tuning_of("conv x", "conv y").used({"host": ["conv x", "conv z"]})
    assert used == tuning_of("conv x").used({"host": ["conv x"]})
    assert used.targets["host"].trials == 2


def test_a_target_replaces_its_own_layers() -> None:
    held = tuning_of("conv x").with_target("web", TargetTuning(where=WHERE, trials=0, layers={}))
    assert sorted(held.targets) == ["host", "web"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "does not follow its schema"),
        ('{"schema_version": 2, "targets": {}}', "schema_version"),
        ('{"targets": {"host": {"trials": 1}}}', "targets.host.where"),
        ('{"targets": {}, "speed": 1}', "speed"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "net.tune.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidTuning, match=said) as caught:
        read_tuning(path)
    assert caught.value.where == str(path)
    assert caught.value.help


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "net.tune.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidTuning, match="cannot be read"):
        read_tuning(tmp_path / "net.tune.json")
