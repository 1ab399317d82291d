"""`import edgewright` and the start of the command load nothing heavy."""

import inspect
import subprocess
import sys

import pytest

# Each of these takes longer to import than Edgewright itself may.
HEAVY = ("numpy", "onnx", "onnx_ir", "onnxruntime", "onnxscript", "ai_edge_litert", "pydantic")


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after `statement`."""
    script = f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    return set(done.stdout.split())


def test_importing_edgewright_loads_no_heavy_package() -> None:
    assert loaded_by("import edgewright").isdisjoint(HEAVY)


def test_the_probe_sees_what_is_loaded() -> None:
    assert "numpy" in loaded_by("import numpy")


def test_public_names_are_listed_and_found() -> None:
    import edgewright

    assert set(edgewright.__all__) <= set(dir(edgewright))
    assert all(callable(getattr(edgewright, name)) for name in edgewright.__all__[1:])
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = edgewright.nonsense  # type: ignore[attr-defined]


def test_a_verb_wins_over_the_folder_of_its_name() -> None:
    import edgewright.verify.compare

    assert inspect.isfunction(getattr(edgewright, "verify"))  # noqa: B009 - mypy sees the folder
    assert inspect.ismodule(sys.modules["edgewright.verify"])


def test_loading_a_package_loads_nothing_that_builds_one() -> None:
    script = "import edgewright.artifact.package, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    builders = ("edgewright.plan", "edgewright.passes", "edgewright.codegen.program")
    assert set(done.stdout.split()).isdisjoint(builders)
