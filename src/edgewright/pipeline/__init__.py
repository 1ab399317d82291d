"""The public verbs: `load_model`, `build`, `load_package`, `verify`, `convert`.

They are looked up when they are first used: a build that the cache has needs none of the folders
that make one.
"""

from typing import TYPE_CHECKING

from edgewright import lend

if TYPE_CHECKING:
    from edgewright.artifact.package import load_package as load_package
    from edgewright.pipeline.build import build as build
    from edgewright.pipeline.convert import Conversion as Conversion
    from edgewright.pipeline.convert import convert as convert
    from edgewright.pipeline.files import entry_infos as entry_infos
    from edgewright.pipeline.files import target_info as target_info
    from edgewright.pipeline.model import Model as Model
    from edgewright.pipeline.model import load_model as load_model
    from edgewright.pipeline.verify import verify as verify

_PLACES = {
    "Conversion": "pipeline.convert",
    "Model": "pipeline.model",
    "build": "pipeline.build",
    "convert": "pipeline.convert",
    "entry_infos": "pipeline.files",
    "load_model": "pipeline.model",
    "load_package": "artifact.package",
    "target_info": "pipeline.files",
    "verify": "pipeline.verify",
}

lend(__name__, _PLACES)
