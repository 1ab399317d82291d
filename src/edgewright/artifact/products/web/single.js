class Entry {
  #model;

  constructor(model, description) {
    this.#model = model;
    Object.assign(this, description);
    Object.freeze(this);
  }

  run(inputs, dims) {
    return this.#model._run(this.name, inputs, dims);
  }
}

class Model {
  #instance;
  #memory;
  #weights;
  #slot;

  constructor(instance, weights, slot) {
    this.#instance = instance;
    this.#memory = instance.exports.memory;
    this.#weights = weights;
    this.#slot = slot;
    writePointers(this.#memory, slot);
    const entries = Object.keys(SPEC.entries).map((name) => [
      name, new Entry(this, describe(name, instance.exports, weights)),
    ]);
    this.entries = Object.freeze(Object.fromEntries(entries));
    this.name = SPEC.name;
    this.target = SPEC.target;
    [this.main] = Object.values(this.entries);
    this.inputs = this.main.inputs;
    this.outputs = this.main.outputs;
    this.reset();
  }

  run(inputs, dims) {
    return this.main.run(inputs, dims);
  }

  reset() {
    const { exports } = this.#open();
    if (SPEC.stateBytes)
      requireOk(exports[`${SPEC.name}_reset`](this.#slot.state, this.#weights));
  }

  dispose() {
    this.#instance = this.#memory = null;
  }

  /** Runs an entry point; for `Entry`. */
  _run(name, inputs, dims) {
    const { exports } = this.#open();
    const sizes = writeInputs(this.#memory, this.#slot, name, inputs, dims);
    const { arena, io } = this.#slot;
    requireOk(exports[SPEC.entries[name].function](io[name].at, arena, this.#weights, 0));
    return readOutputs(this.#memory, this.#slot, name, sizes);
  }

  #open() {
    if (!this.#instance) throw new ModelError("the model was disposed of");
    return this.#instance;
  }
}

/** Load code and weights. */
export async function load(options = {}) {
  const module = await compiled(options.wasm ?? new URL(SPEC.wasm, import.meta.url));
  const instance = await WebAssembly.instantiate(module, {});
  const { memory, __heap_base: base, [`${SPEC.name}_check_weights`]: check } = instance.exports;
  const places = new Places(base.value);
  const weights = places.take(SPEC.weightsBytes);
  const slot = takeSlot(places);
  const missing = places.end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
  const place = new Uint8Array(memory.buffer, weights, SPEC.weightsBytes);
  const source = options.weights ?? new URL(SPEC.weights, import.meta.url);
  await loadWeights(source, place, options.onProgress);
  requireOk(check(weights, SPEC.weightsBytes));
  return new Model(instance, weights, slot);
}
