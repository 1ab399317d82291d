"""Edgewright: an ahead-of-time compiler from trained models to small native C.

The public verbs live in `edgewright.pipeline`; each is looked up when it is first used, so that
`import edgewright` costs no more than Python itself.
"""

import sys
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

_VERBS = ("build", "convert", "load_model", "load_package", "verify")

__all__ = ["__version__", "build", "convert", "load_model", "load_package", "verify"]


class _Package(ModuleType):
    """This package, whose verbs win over folders of the same name.

    Importing `edgewright.verify` binds that folder to the name `verify` here, as Python does for
    every submodule; to users the name is the verb. Properties leave no room for the binding.
    """

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *__all__})


def _verb(name: str) -> property:
    """The function `name` of `pipeline`, found on use; binding anything else does nothing."""

    def find(_: ModuleType) -> Any:
        return getattr(import_module(f"{__name__}.pipeline"), name)

    return property(find, lambda _, folder: None)


for _name in _VERBS:
    setattr(_Package, _name, _verb(_name))
sys.modules[__name__].__class__ = _Package
