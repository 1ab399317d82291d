const IN_NODE = typeof Worker === "undefined";

/** A worker of the browser's or of Node.js, with the same two functions. */
async function startWorker(url) {
  if (!IN_NODE) {
    const worker = new Worker(url, { type: "module" });
    return {
      post: (message) => worker.postMessage(message),
      listen: (answer, fail) => {
        worker.onmessage = (event) => answer(event.data);
        worker.onerror = (event) => fail(new ModelError(`a worker failed: ${event.message}`));
      },
      end: () => worker.terminate(),
    };
  }
  const node = "node:worker_threads";
  const { Worker: NodeWorker } = await import(/* @vite-ignore */ /* webpackIgnore: true */ node);
  const worker = new NodeWorker(url);
  return {
    post: (message) => worker.postMessage(message),
    listen: (answer, fail) => worker.on("message", answer).on("error", fail),
    end: () => worker.terminate(),
  };
}

/** One worker, its memory, and the call that it is busy with. */
class Lane {
  #worker;
  #settle = null;

  constructor(worker, slot) {
    this.slot = slot;
    this.#worker = worker;
    worker.listen(
      (answer) => {
        if (typeof answer === "number") this.#settle?.resolve(answer);
        else this.#settle?.reject(new ModelError(`a worker failed: ${answer}`));
      },
      (error) => this.#settle?.reject(error),
    );
  }

  call(message) {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#worker.post(message);
    });
  }

  end() {
    this.#settle?.reject(new ModelError("the model was disposed of"));
    this.#worker.end();
  }
}

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
  #memory;
  #weights;
  #lanes;
  #free;
  #waiting = [];

  constructor(exports, memory, weights, lanes) {
    this.#memory = memory;
    this.#weights = weights;
    this.#lanes = lanes;
    this.#free = [...lanes];
    const entries = Object.keys(SPEC.entries).map((name) => [
      name, new Entry(this, describe(name, exports, weights)),
    ]);
    this.entries = Object.freeze(Object.fromEntries(entries));
    this.name = SPEC.name;
    this.target = SPEC.target;
    this.threads = lanes.length;
    [this.main] = Object.values(this.entries);
    this.inputs = this.main.inputs;
    this.outputs = this.main.outputs;
  }

  run(inputs, dims) {
    return this.main.run(inputs, dims);
  }

  /** Calls are answered in order where there is a state: it has one lane. */
  async reset() {
    if (SPEC.stateBytes)
      await this.#within(async (lane) => {
        const args = [lane.slot.state, this.#weights];
        requireOk(await lane.call({ function: `${SPEC.name}_reset`, arguments: args }));
      });
  }

  dispose() {
    for (const lane of this.#lanes) lane.end();
    for (const { reject } of this.#waiting) reject(new ModelError("the model was disposed of"));
    this.#lanes = this.#free = this.#waiting = null;
  }

  /** Runs an entry point in the next worker that is free; for `Entry`. */
  _run(name, inputs, dims) {
    return this.#within(async (lane) => {
      const sizes = writeInputs(this.#memory, lane.slot, name, inputs, dims);
      const { arena, io } = lane.slot;
      const args = [io[name].at, arena, this.#weights, 0];
      requireOk(await lane.call({ function: SPEC.entries[name].function, arguments: args }));
      return readOutputs(this.#memory, lane.slot, name, sizes);
    });
  }

  async #within(work) {
    if (!this.#lanes) throw new ModelError("the model was disposed of");
    const lane =
      this.#free.pop() ??
      (await new Promise((resolve, reject) => this.#waiting.push({ resolve, reject })));
    try {
      return await work(lane);
    } finally {
      const next = this.#waiting?.shift();
      if (next) next.resolve(lane);
      else this.#free?.push(lane);
    }
  }
}

function threadCount(wanted) {
  if (SPEC.stateBytes) return 1;
  const count = wanted ?? Math.min(globalThis.navigator?.hardwareConcurrency ?? 2, MOST_THREADS);
  if (!Number.isInteger(count) || count < 1 || count > MOST_THREADS)
    throw new ModelError(`threads must be 1 to ${MOST_THREADS}; got ${count}`);
  return count;
}

const MOST_THREADS = 8;
const STACK_BYTES = 65536;

/** Load code and weights, and start the workers. */
export async function load(options = {}) {
  if (typeof SharedArrayBuffer === "undefined")
    throw new ModelError(
      "threads need a page that is isolated: https or localhost, and the headers " +
        "Cross-Origin-Opener-Policy: same-origin, Cross-Origin-Embedder-Policy: require-corp",
    );
  const count = threadCount(options.threads);
  const module = await compiled(options.wasm ?? new URL(SPEC.wasm, import.meta.url));
  const places = new Places(SPEC.heapBase);
  const weights = places.take(SPEC.weightsBytes);
  const slots = Array.from({ length: count }, () => takeSlot(places));
  const stacks = slots.map(() => places.take(STACK_BYTES) + STACK_BYTES);
  const memory = new WebAssembly.Memory({
    initial: Math.max(Math.ceil(places.end / PAGE_BYTES), SPEC.leastPages),
    maximum: SPEC.mostPages,
    shared: true,
  });
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  const place = new Uint8Array(memory.buffer, weights, SPEC.weightsBytes);
  const source = options.weights ?? new URL(SPEC.weights, import.meta.url);
  await loadWeights(source, place, options.onProgress);
  requireOk(exports[`${SPEC.name}_check_weights`](weights, SPEC.weightsBytes));
  const lanes = await Promise.all(
    slots.map(async (slot, i) => {
      writePointers(memory, slot);
      const url = options.worker ?? new URL(SPEC.worker, import.meta.url);
      const lane = new Lane(await startWorker(url), slot);
      await lane.call({ module, memory, stack: stacks[i] });
      return lane;
    }),
  );
  const model = new Model(exports, memory, weights, lanes);
  await model.reset();
  return model;
}
