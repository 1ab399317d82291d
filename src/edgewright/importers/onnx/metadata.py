"""What an .onnx file says about itself: its description and properties, as a model contract."""

from pathlib import Path
from typing import Final

from onnx import ModelProto

from edgewright.data.contract import Contract, ModelInfo
from edgewright.importers.model_file import load_bytes

# Properties that exporters write, by the field that they fill; the first that is there wins.
PROPERTIES: Final = {
    "name": ("name", "model_name", "title"),
    "version": ("version", "model_version"),
    "author": ("author", "model_author"),
    "licence": ("licence", "license", "model_license"),
    "description": ("description", "short_description"),
    "training_data": ("training_data", "dataset"),
}


def contract_of(path: Path) -> Contract:
    """What a file that has been read before says about itself.

    Raises:
        InvalidModel: the file cannot be read any more.
    """
    return read_contract(ModelProto.FromString(load_bytes(path)))


def read_contract(model: ModelProto) -> Contract:
    """The properties and the description of a model that `reader.check` has passed."""
    properties = {entry.key.lower(): entry.value.strip() for entry in model.metadata_props}
    fields = {
        field: value
        for field, keys in PROPERTIES.items()
        if (value := next((properties[key] for key in keys if properties.get(key)), ""))
    }
    if "description" not in fields and model.doc_string.strip():
        fields["description"] = model.doc_string.strip()
    if "version" not in fields and model.model_version:
        fields["version"] = str(model.model_version)
    return Contract(model=ModelInfo(**fields)) if fields else Contract()
