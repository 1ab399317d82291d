/** Runs a model of Edgewright's on a stream of inputs: what the runners for Node.js and browsers do.

    The stream holds, for each sample, the run-time sizes as int32 and the inputs as in memory; an
    entry point without inputs gets one byte a sample. The answer holds the outputs of each. */
const ARRAYS = {
  bool: Uint8Array, int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array,
  int32: Int32Array, uint32: Uint32Array, int64: BigInt64Array, uint64: BigUint64Array,
  float16: Uint16Array, float32: Float32Array, float64: Float64Array,
};

function* samples(entry, stream) {
  let at = 0;
  const take = (kind, count) => {
    const bytes = stream.slice(at, (at += count * kind.BYTES_PER_ELEMENT));
    return new kind(bytes.buffer, 0, count);
  };
  const names = Object.keys(entry.dims);
  while (at < stream.length) {
    const sizes = take(Int32Array, names.length);
    const dims = Object.fromEntries(names.map((name, i) => [name, sizes[i]]));
    const inputs = {};
    for (const { id, dtype, shape } of entry.inputs)
      inputs[id] = take(ARRAYS[dtype], shape(dims).reduce((a, b) => a * b, 1));
    if (entry.inputs.length === 0) take(Uint8Array, 1);
    yield { inputs, dims };
  }
}

export async function runStream(module, entryName, stream) {
  const model = await module.load();
  const entry = model.entries[entryName];
  // Not awaited one by one: with threads, several run at once.
  const runs = [];
  for (const { inputs, dims } of samples(entry, stream)) runs.push(entry.run(inputs, dims));
  const parts = [];
  for (const outputs of await Promise.all(runs))
    for (const { id } of entry.outputs) {
      const array = outputs[id];
      parts.push(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    }
  model.dispose();
  return new Blob(parts);
}
