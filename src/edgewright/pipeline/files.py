"""What goes into a package besides the proof: generated code, libraries, manifest entries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edgewright import targets, toolchain
from edgewright.artifact import products
from edgewright.artifact.manifest import (
    DimInfo,
    EntryInfo,
    MemoryInfo,
    QuantInfo,
    TargetInfo,
    TensorInfo,
)
from edgewright.artifact.package import crc32
from edgewright.artifact.products import Built, Parts
from edgewright.codegen import Code, Entry, Tensor, generate
from edgewright.graph import Module


def tensor_info(tensor: Tensor) -> TensorInfo:
    """The manifest's view of an input or output."""
    quant = tensor.type.quant
    return TensorInfo(
        name=tensor.name,
        identifier=tensor.identifier,
        dtype=tensor.type.dtype.numpy.name,
        shape=tuple(d if isinstance(d, int) else str(d) for d in tensor.type.shape),
        quant=QuantInfo(scale=quant.scale[0], zero=quant.zero[0]) if quant else None,
    )


def entry_infos(code: Code) -> tuple[EntryInfo, ...]:
    """The manifest's view of the entry points."""
    return tuple(_entry_info(entry) for entry in code.entries)


def _entry_info(entry: Entry) -> EntryInfo:
    return EntryInfo(
        graph=entry.graph.name,
        function=entry.function,
        inputs=tuple(map(tensor_info, entry.inputs)),
        outputs=tuple(map(tensor_info, entry.outputs)),
        dims=tuple(DimInfo(name=s.name, low=s.low, high=s.high) for s in entry.symbols),
    )


def target_info(code: Code, target: targets.Target, built: Built, compiler: str) -> TargetInfo:
    """Sizes of a target's code and memory, in bytes; no verdicts yet."""
    memory = MemoryInfo(
        arena_bytes=code.sizes.arena,
        arena_lower_bound=max((p.lower_bound for p in code.plans.values()), default=0),
        weights_bytes=code.sizes.weights,
        state_bytes=code.sizes.state,
    )
    return TargetInfo(
        levels=target.level_names,
        compiler=compiler,
        product=target.product,
        library=built.library,
        library_bytes=built.library_bytes,
        code_bytes=built.code_bytes,
        flash_bytes=built.flash_bytes,
        ram_bytes=built.ram_bytes,
        notes=built.notes,
        layout_hash=f"{code.sizes.layout_hash:016x}",
        memory=memory,
        threads=target.chunks,
    )


def write_target(
    module: Module,
    target: targets.Target,
    name: str,
    folder: Path,
    compiler_name: str | None,
    contract: dict[str, Any],
) -> tuple[Code, TargetInfo]:
    """Generate and compile for one target into its folder."""
    compiler = toolchain.find_compiler(target, compiler_name)
    code = generate(module, target, name)
    folder.mkdir(parents=True)
    built = products.find(target).write(Parts(code, target, compiler, contract), folder)
    info = target_info(code, target, built, compiler.version)
    return code, info.model_copy(update={"library_crc32": crc32(folder / built.library)})
