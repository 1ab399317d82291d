// Plays a user of the module whose path is the first argument; prints what it saw as JSON.
import { pathToFileURL } from "node:url";

const [path, part] = process.argv.slice(2);
const { load, ModelError } = await import(pathToFileURL(path));

async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return `${error instanceof ModelError ? error.name : error.constructor.name}: ${error.message}`;
  }
  return "no error";
}

const parts = {
  async inputs() {
    const model = await load();
    const entry = model.entries.main;
    const x = new Float32Array([1, 2, 3, 4, 5, 6]);
    return {
      described: [model.name, model.target, entry.dims, entry.inputs[0].shape({ h: 2 })],
      sum: Array.from((await model.run({ x }, { h: 2 })).y),
      missing: await refusal(() => model.run({}, { h: 2 })),
      extra: await refusal(() => model.run({ x, z: x }, { h: 2 })),
      none: await refusal(() => model.run(undefined, { h: 2 })),
      kind: await refusal(() => model.run({ x: new Int8Array(6) }, { h: 2 })),
      plain: await refusal(() => model.run({ x: [1, 2, 3] }, { h: 1 })),
      short: await refusal(() => model.run({ x: new Float32Array(5) }, { h: 2 })),
      sizes: await refusal(() => model.run({ x }, { h: 9 })),
      nosizes: await refusal(() => model.run({ x })),
      again: Array.from((await model.run({ x }, { h: 2 })).y),
      disposed: await refusal(() => (model.dispose(), model.run({ x }, { h: 2 }))),
    };
  },
  async state() {
    const model = await load();
    const x = new Float32Array([1]);
    const seen = [];
    for (let i = 0; i < 3; ++i) seen.push((await model.run({ x })).y[0]);
    await model.reset();
    seen.push((await model.run({ x })).y[0]);
    const other = await load();
    seen.push((await other.run({ x })).y[0]);
    return { seen, threads: model.threads ?? null };
  },
  async entries() {
    const model = await load();
    const x = Int8Array.of(10, -20, 30);
    return {
      names: Object.keys(model.entries),
      first: Array.from((await model.run({ x })).y),
      second: Array.from((await model.entries["second"].run({ x })).y),
      quant: [model.inputs[0].quant, model.entries["second"].outputs[0].quant],
    };
  },
  async loading() {
    const { readFile } = await import("node:fs/promises");
    const weights = await readFile(new URL("weights.bin", pathToFileURL(path)));
    const wasm = await readFile(path.replace(/js$/, "wasm"));
    const damaged = Uint8Array.from(weights);
    damaged[damaged.length - 1] ^= 1;
    const foreign = Uint8Array.from(weights);
    foreign[8] ^= 1;
    const seen = [];
    const x = new Float32Array(3);
    const onProgress = (loaded, total) => seen.push([loaded, total]);
    const model = await load({ weights, wasm: new Response(wasm), onProgress });
    return {
      progress: seen.at(-1),
      size: weights.length,
      ran: (await model.run({ x }, { h: 1 })).y.length,
      module: (await (await load({ wasm: await WebAssembly.compile(wasm) })).run({ x }, { h: 1 })).y.length,
      damaged: await refusal(() => load({ weights: damaged })),
      foreign: await refusal(() => load({ weights: foreign.buffer })),
      cut: await refusal(() => load({ weights: weights.subarray(0, weights.length - 64) })),
      long: await refusal(() => load({ weights: new Uint8Array(weights.length + 1) })),
      absent: (await refusal(() => load({ weights: "./nothing.bin" }))).slice(0, 30),
    };
  },
  async threads() {
    const model = await load({ threads: 3 });
    const runs = Array.from({ length: 20 }, (_, i) => model.run({ x: Float32Array.of(i, 0, 0) }, { h: 1 }));
    const sums = (await Promise.all(runs)).map(({ y }) => y[0]);
    const many = await refusal(() => load({ threads: 99 }));
    return { threads: model.threads, sums, many };
  },
};

console.log(JSON.stringify(await parts[part]()));
process.exit(0); // workers of models that were not disposed of would keep it alive
