"""An ES module with TypeScript types, its WebAssembly, and a page that shows the model at work."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from string import Template

from edgewright import toolchain
from edgewright.artifact.products import Built, Parts
from edgewright.artifact.products.sources import write_code
from edgewright.codegen.header import Entry, Tensor
from edgewright.graph import Symbol
from edgewright.graph.dims import Quotient, Size, Sum
from edgewright.toolchain.wasm import Wasm

#: what a shared memory may grow to, in pages of 64 KiB
MOST_PAGES = 65535
_PAGE_BYTES = 65536
_ARRAYS = {
    "bool": "Uint8Array", "int8": "Int8Array", "uint8": "Uint8Array", "int16": "Int16Array",
    "uint16": "Uint16Array", "int32": "Int32Array", "uint32": "Uint32Array",
    "int64": "BigInt64Array", "uint64": "BigUint64Array", "float16": "Uint16Array",
    "float32": "Float32Array", "float64": "Float64Array",
}  # fmt: skip


def write(parts: Parts, folder: Path) -> Built:
    """Compile, link and check the module; write the JavaScript around it."""
    library = f"{parts.code.name}.wasm"
    built = link(parts, library)
    binary = toolchain.check_library(built, parts.target)
    assert isinstance(binary, Wasm)
    write_code(parts, folder)
    (folder / library).write_bytes(built.read_bytes())
    (folder / "page").mkdir()
    for name, text in module_files(parts, binary).items():
        (folder / name).write_text(text, encoding="utf-8")
    return Built(library, built.stat().st_size, binary.text_bytes + binary.rodata_bytes)


def link(parts: Parts, library: str) -> Path:
    """The WebAssembly module, inside the cache."""
    code, target = parts.code, parts.target
    alone = ("-fno-pic",)  # a module that is loaded alone has fixed addresses
    compiled = toolchain.compile_object(
        code.model_c,
        target,
        includes={"model.h": code.model_h},
        extra_flags=alone,
        compiler=parts.compiler,
    )
    support = toolchain.support_objects(target, extra_flags=alone, compiler=parts.compiler)
    objects = [compiled, *support]
    return toolchain.link_shared(objects, target, soname=library, compiler=parts.compiler)


def module_files(parts: Parts, binary: Wasm) -> dict[str, str]:
    """Text by file name: module, types, worker, page."""
    name = parts.code.name
    threads = "env.memory" in binary.imports
    head = f"/** {name}: made by Edgewright. Types and comments: {name}.d.ts. */\n"
    body = [_template("core.js"), _template("threads.js" if threads else "single.js")]
    found = {
        f"{name}.js": "\n".join([head + _spec(parts, binary, threads), *body]),
        f"{name}.d.ts": _types(parts, threads),
        "package.json": _package(name),
        "page/contract.json": json.dumps(parts.contract, indent=2, ensure_ascii=False) + "\n",
        "index.html": Template(_template("index.html")).substitute(title=_title(parts)),
        "page/demo.js": _template("demo.js").replace("../model.js", f"../{name}.js"),
    }
    for file in ("demo.css", "samples.js", "benchmark.js"):
        found[f"page/{file}"] = _template(file)
    if threads:
        found[f"{name}.worker.js"] = _template("worker.js")
    return found


def _template(name: str) -> str:
    return (files(__package__) / "web" / name).read_text(encoding="utf-8")


def _title(parts: Parts) -> str:
    import html

    stated = parts.contract.get("model", {}).get("name")
    return html.escape(stated or parts.code.name)


def _package(name: str) -> str:
    """Makes Node.js and bundlers take the files for what they are."""
    main = {"types": f"./{name}.d.ts", "default": f"./{name}.js"}
    data = {
        "name": name.replace("_", "-").lower(),
        "version": "0.0.0",
        "private": True,
        "type": "module",
        "exports": {".": main, "./*": "./*"},
    }
    return json.dumps(data, indent=2) + "\n"


def _spec(parts: Parts, binary: Wasm, threads: bool) -> str:
    """`const SPEC = {...}`: what the module's code has to know of the model."""
    code, sizes = parts.code, parts.code.sizes
    stack = max(binary.globals["__heap_base"], binary.globals["__stack_pointer"])
    lines = [
        f"name: {_js(code.name)},",
        f"target: {_js(parts.target.name)},",
        f"wasm: {_js('./' + code.name + '.wasm')},",
        'weights: "./weights.bin",',
        f"weightsBytes: {sizes.weights},",
        f"arenaBytes: {sizes.arena},",
        f"stateBytes: {sizes.state},",
    ]
    if threads:
        lines += [
            f"worker: {_js('./' + code.name + '.worker.js')},",
            f"heapBase: {stack},",
            f"leastPages: {-(-stack // _PAGE_BYTES)},",
            f"mostPages: {MOST_PAGES},",
        ]
    index, entries = 0, []
    for entry in code.entries:
        entries.append(_entry(entry, index))
        index += len(entry.inputs) + len(entry.outputs)
    body = "\n".join([*lines, "entries: {", *entries, "},"])
    return f"const SPEC = {{\n{_indented(body)}\n}};\n"


def _entry(entry: Entry, index: int) -> str:
    dims = ", ".join(f"{s.name}: [{s.low}, {s.high}]" for s in entry.symbols)
    lines = [f"{_js(entry.graph.name)}: {{", f"  function: {_js(entry.function)},",
             f"  dims: {{ {dims} }}," if dims else "  dims: {},"]  # fmt: skip
    split = index + len(entry.inputs)
    for kind, tensors, start in (
        ("inputs", entry.inputs, index),
        ("outputs", entry.outputs, split),
    ):
        lines.append(f"  {kind}: [")
        lines += [f"    {_tensor(t, start + i)}," for i, t in enumerate(tensors)]
        lines.append("  ],")
    return "\n".join([*lines, "},"])


def _tensor(tensor: Tensor, index: int) -> str:
    type = tensor.type
    shape = ", ".join(size_text(size) for size in type.shape)
    return (
        f"{{ id: {_js(tensor.identifier)}, name: {_js(tensor.name)}, "
        f"dtype: {_js(type.dtype.numpy.name)}, shape: (d) => [{shape}], "
        f"maxBytes: {type.max_bytes}, quantised: {_js(type.quant is not None)}, index: {index} }}"
    )


def size_text(size: Size) -> str:
    """A size as a JavaScript expression over `d`, the run-time sizes."""
    if isinstance(size, int):
        return str(size)
    if isinstance(size, Symbol):
        return f"d.{size.name}"
    if isinstance(size, Quotient):
        return f"Math.floor({size_text(size.numerator)} / {size.denominator})"
    assert isinstance(size, Sum)
    terms = [
        " * ".join([str(factor), *(size_text(atom) for atom in atoms)])
        for atoms, factor in size.terms
    ]
    return f"({' + '.join([*terms, str(size.constant)])})"


def _types(parts: Parts, threads: bool) -> str:
    """The declarations of `NAME.d.ts`: one pair of interfaces for each entry point."""
    entries = parts.code.entries
    blocks = [block for i, entry in enumerate(entries) for block in _entry_types(entry, i)]
    listed = "\n".join(
        f"    readonly {_js(e.graph.name)}: Entry<Inputs{_number(i)}, Outputs{_number(i)}, "
        f"Sizes{_number(i)}>;"
        for i, e in enumerate(entries)
    )
    result = "Promise<O>" if threads else "O"
    return Template(_template("module.d.ts")).substitute(
        name=parts.code.name,
        interfaces="\n\n".join(blocks),
        entries=listed,
        result=result,
        outputs="Promise<Outputs>" if threads else "Outputs",
        done="Promise<void>" if threads else "void",
        sizes="sizes: Sizes" if entries[0].symbols else "sizes?: Sizes",
        threads=_template("threads.d.ts") if threads else "",
    )


def _entry_types(entry: Entry, index: int) -> list[str]:
    number = _number(index)
    found = []
    for kind, tensors in (("Inputs", entry.inputs), ("Outputs", entry.outputs)):
        fields = []
        for tensor in tensors:
            shape = ", ".join(str(size) for size in tensor.type.shape)
            named = "" if tensor.name == tensor.identifier else f" {_js(tensor.name)}"
            about = f"/** {tensor.type.dtype.value} [{shape}]{named.replace('*/', '* /')} */"
            array = _ARRAYS[tensor.type.dtype.numpy.name]
            fields.append(f"  {about}\n  {tensor.identifier}: {array};")
        found.append(f"export interface {kind}{number} {{\n" + "\n".join(fields) + "\n}")
    sizes = "\n".join(f"  /** {s.low} to {s.high} */\n  {s.name}: number;" for s in entry.symbols)
    found.append(f"export interface Sizes{number} {{\n{sizes}\n}}" if sizes
                 else f"export type Sizes{number} = Record<string, never>;")  # fmt: skip
    return found


def _number(index: int) -> str:
    """The first entry point's types have plain names."""
    return "" if index == 0 else str(index + 1)


def _js(value: object) -> str:
    return json.dumps(value, ensure_ascii=True)


def _indented(text: str) -> str:
    return "\n".join("  " + line for line in text.splitlines())
