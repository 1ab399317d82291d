"""Edgewright: an ahead-of-time compiler from trained models to small native C.

The public verbs live in `edgewright.pipeline` and `edgewright.artifact`; they are looked up when
first used, so that `import edgewright` costs no more than Python itself.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .pipeline import build, load_model, load_package, verify

__version__ = "0.1.0"

__all__ = ["__version__", "build", "load_model", "load_package", "verify"]


def __getattr__(name: str) -> Any:
    """Find a public verb in `pipeline` on its first use (PEP 562)."""
    if name.startswith("_") or name not in __all__:
        raise AttributeError(f"module 'edgewright' has no attribute {name!r}")
    return getattr(import_module(".pipeline", __name__), name)


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted(__all__)
