// node node.mjs MODULE.js ENTRY < inputs > outputs
import { readFileSync, writeSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { runStream } from "./stream.mjs";

const [module, entry] = process.argv.slice(2);
try {
  const model = await import(pathToFileURL(module));
  const answer = await runStream(model, entry, new Uint8Array(readFileSync(0)));
  const bytes = new Uint8Array(await answer.arrayBuffer());
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
} catch (error) {
  console.error(`${error}`);
  process.exitCode = 1;
}
