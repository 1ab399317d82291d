"""`import edgewright` and the start of the command load nothing heavy."""

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

    assert dir(edgewright) == sorted(edgewright.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = edgewright.nonsense
