"""Edgewright: an ahead-of-time compiler from trained models to small native C.

The public verbs live in `edgewright.pipeline`; each is looked up when it is first used, so that
`import edgewright` costs no more than Python itself.
"""

import sys
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .artifact.package import load_package as load_package
    from .pipeline.build import build as build
    from .pipeline.convert import convert as convert
    from .pipeline.model import load_model as load_model
    from .pipeline.verify import verify as verify

__version__ = "0.1.0"

_PLACES = {
    "build": "pipeline.build",
    "convert": "pipeline.convert",
    "load_model": "pipeline.model",
    "load_package": "artifact.package",
    "verify": "pipeline.verify",
}

__all__ = ["__version__", "build", "convert", "load_model", "load_package", "verify"]


def lend(package: str, places: Mapping[str, str]) -> None:
    """Give a package names that are looked up when they are first used.

    Such a name wins over a submodule of the same name: importing `edgewright.verify` binds that
    folder to the name `verify`, as Python does for every submodule; to users the name is the verb.
    Properties leave no room for the binding.

    Args:
        package: its full name.
        places: the module, below `edgewright`, in which each name is defined.
    """
    module = sys.modules[package]
    found = {name: _verb(name, place) for name, place in places.items()}
    found["__dir__"] = lambda self: sorted({*ModuleType.__dir__(self), *places})
    module.__class__ = type("_Package", (ModuleType,), found)


def _verb(name: str, place: str) -> Any:
    """`name` of the module `place`, found on use; binding anything else does nothing."""

    def find(_: ModuleType) -> Any:
        return getattr(import_module(f"{__name__}.{place}"), name)

    return property(find, lambda _, folder: None)


lend(__name__, _PLACES)
