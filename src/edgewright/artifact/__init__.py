"""The package: manifest, test vectors, loader (ctypes) and runners for emulators."""

from edgewright.artifact.manifest import Manifest
from edgewright.artifact.package import Package, is_package, load_package

__all__ = ["Manifest", "Package", "is_package", "load_package"]
