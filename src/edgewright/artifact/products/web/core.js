const INTERFACE_ERRORS = {
  1: "a pointer is null",
  2: "memory is not aligned",
  3: "the interface version differs",
  4: "the weights belong to another model, or are cut short",
  5: "there is no such instruction set level",
  6: "a run-time size is out of bounds",
  7: "an input value is outside the table that it indexes",
  8: "an output is larger than its stated maximum",
};
const ARRAYS = {
  bool: Uint8Array, int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array,
  int32: Int32Array, uint32: Uint32Array, int64: BigInt64Array, uint64: BigUint64Array,
  float16: Uint16Array, float32: Float32Array, float64: Float64Array,
};
const PAGE_BYTES = 65536;
const WEIGHTS_HEADER_BYTES = 64;
const WEIGHTS_CRC_AT = 28;

/** What goes wrong while a model is loaded or run; `code` is the C interface's, or 0. */
export class ModelError extends Error {
  constructor(message, code = 0) {
    super(message);
    this.name = "ModelError";
    this.code = code;
  }
}

function requireOk(code) {
  if (code) throw new ModelError(`${INTERFACE_ERRORS[code] ?? "it failed"} (error ${code})`, code);
}

const aligned = (bytes) => Math.ceil(bytes / 64) * 64;
const product = (shape) => shape.reduce((total, size) => total * size, 1);

/** Places for blocks of memory, one after the other, each 64-byte aligned. */
class Places {
  constructor(start) {
    this.end = aligned(start);
  }

  take(bytes) {
    const at = this.end;
    this.end = aligned(at + Math.max(bytes, 1));
    return at;
  }
}

/** What one run at a time needs: arena, state, and for each entry point its io and buffers. */
function takeSlot(places) {
  const slot = { arena: places.take(SPEC.arenaBytes), state: places.take(SPEC.stateBytes), io: {} };
  for (const [name, entry] of Object.entries(SPEC.entries)) {
    const tensors = [...entry.inputs, ...entry.outputs];
    const at = places.take(4 * (tensors.length + Object.keys(entry.dims).length + 2));
    slot.io[name] = { at, buffers: tensors.map((tensor) => places.take(tensor.maxBytes)) };
  }
  return slot;
}

/** Write the pointers of every io structure; run-time sizes follow with each run. */
function writePointers(memory, slot) {
  for (const io of Object.values(slot.io)) {
    const fields = [...io.buffers, ...(SPEC.stateBytes ? [slot.state] : [])];
    new Uint32Array(memory.buffer, io.at, fields.length).set(fields);
  }
}

function checkedDims(entry, dims) {
  const found = {};
  for (const [name, [low, high]] of Object.entries(entry.dims)) {
    const size = dims?.[name];
    if (!Number.isInteger(size) || size < low || size > high)
      throw new ModelError(`the size ${name} must be given, ${low} to ${high}; got ${size}`);
    found[name] = size;
  }
  return found;
}

function checkedInput(tensor, inputs, dims) {
  const array = inputs[tensor.id] ?? inputs[tensor.name];
  const shape = tensor.shape(dims);
  const wanted = `a ${ARRAYS[tensor.dtype].name} of ${product(shape)} elements [${shape}]`;
  if (array === undefined) throw new ModelError(`input ${tensor.id} is missing: give ${wanted}`);
  const kind = array?.constructor === Uint8ClampedArray ? Uint8Array : array?.constructor;
  if (kind?.name !== ARRAYS[tensor.dtype].name)
    throw new ModelError(`input ${tensor.id} is a ${kind?.name ?? typeof array}: give ${wanted}`);
  if (array.length !== product(shape))
    throw new ModelError(`input ${tensor.id} has ${array.length} elements: give ${wanted}`);
  return array;
}

/** Check everything first, then copy the inputs in. */
function writeInputs(memory, slot, name, inputs, dims) {
  const entry = SPEC.entries[name];
  const io = slot.io[name];
  if (typeof inputs !== "object" || inputs === null)
    throw new ModelError(`inputs must be an object: ${entry.inputs.map((t) => t.id).join(", ")}`);
  for (const key of Object.keys(inputs))
    if (!entry.inputs.some((tensor) => key === tensor.id || key === tensor.name))
      throw new ModelError(
        `there is no input ${key}: the inputs are ${entry.inputs.map((t) => t.id).join(", ")}`,
      );
  const sizes = checkedDims(entry, dims);
  const arrays = entry.inputs.map((tensor) => checkedInput(tensor, inputs, sizes));
  arrays.forEach((array, i) => {
    const kind = ARRAYS[entry.inputs[i].dtype];
    new kind(memory.buffer, io.buffers[i], array.length).set(array);
  });
  const count = io.buffers.length + (SPEC.stateBytes ? 1 : 0);
  const values = Object.values(sizes);
  new Int32Array(memory.buffer, io.at + 4 * count, values.length).set(values);
  return sizes;
}

function readOutputs(memory, slot, name, dims) {
  const entry = SPEC.entries[name];
  const outputs = {};
  entry.outputs.forEach((tensor, i) => {
    const at = slot.io[name].buffers[entry.inputs.length + i];
    const count = product(tensor.shape(dims));
    outputs[tensor.id] = new ARRAYS[tensor.dtype](memory.buffer, at, count).slice();
  });
  return outputs;
}

/** What an entry point takes and gives; scale and zero point come from the weights. */
function describe(name, exports, weights) {
  const entry = SPEC.entries[name];
  const tensor = (spec) => {
    const found = { id: spec.id, name: spec.name, dtype: spec.dtype, shape: spec.shape };
    if (spec.quantised)
      found.quant = {
        scale: exports[`${SPEC.name}_scale`](weights, spec.index),
        zero: exports[`${SPEC.name}_zero`](weights, spec.index),
      };
    return Object.freeze(found);
  };
  return {
    name,
    dims: entry.dims,
    inputs: entry.inputs.map(tensor),
    outputs: entry.outputs.map(tensor),
  };
}

/* ---- loading ---- */

const isBytes = (source) => source instanceof ArrayBuffer || ArrayBuffer.isView(source);

/** A Response for a URL, which may be that of a file in Node.js. */
async function fetched(source) {
  if (source instanceof Response) return source;
  const url = new URL(source, import.meta.url);
  if (url.protocol === "file:") {
    const fs = await import(/* @vite-ignore */ /* webpackIgnore: true */ "node:fs/promises");
    const type = url.pathname.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
    const bytes = await fs.readFile(url);
    return new Response(bytes, { headers: { "content-type": type } });
  }
  const response = await fetch(url);
  if (!response.ok) throw new ModelError(`${url} cannot be loaded: HTTP ${response.status}`);
  return response;
}

async function compiled(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (isBytes(source)) return WebAssembly.compile(source);
  const response = await fetched(await source);
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith("application/wasm")) return WebAssembly.compileStreaming(response);
  return WebAssembly.compile(await response.arrayBuffer());
}

/** Stream the weights to their place, without a second copy of them. */
async function loadWeights(source, place, onProgress) {
  const total = SPEC.weightsBytes;
  let loaded = 0;
  const append = (chunk) => {
    if (loaded + chunk.length > total) requireOk(4);
    place.set(chunk, loaded);
    loaded += chunk.length;
    onProgress?.(loaded, total);
  };
  if (isBytes(source)) {
    append(ArrayBuffer.isView(source)
      ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
      : new Uint8Array(source));
  } else {
    const reader = (await fetched(await source)).body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) append(part.value);
  }
  if (loaded < total) requireOk(4);
  checkWeights(place);
}

/** The checksum that the weights carry of themselves. */
function checkWeights(bytes) {
  const table = new Uint32Array(256);
  for (let i = 0; i < 256; ++i) {
    let value = i;
    for (let bit = 0; bit < 8; ++bit) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
    table[i] = value;
  }
  let crc = 0xffffffff;
  for (let i = WEIGHTS_HEADER_BYTES; i < bytes.length; ++i)
    crc = (crc >>> 8) ^ table[(crc ^ bytes[i]) & 255];
  const head = new DataView(bytes.buffer, bytes.byteOffset, WEIGHTS_HEADER_BYTES);
  if (head.getUint32(WEIGHTS_CRC_AT, true) !== ~crc >>> 0)
    throw new ModelError("the weights are damaged: their checksum differs");
}
