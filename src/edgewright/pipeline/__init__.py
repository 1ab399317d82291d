"""The public verbs: `load_model`, `build`, `load_package`, `verify`."""

from edgewright.artifact.package import load_package
from edgewright.pipeline.build import build
from edgewright.pipeline.convert import Conversion, convert
from edgewright.pipeline.files import entry_infos, target_info
from edgewright.pipeline.model import Model, load_model
from edgewright.pipeline.verify import verify

__all__ = [
    "Conversion",
    "Model",
    "build",
    "convert",
    "entry_infos",
    "load_model",
    "load_package",
    "target_info",
    "verify",
]
