// node node.mjs MODULE.js ENTRY < inputs > outputs
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

import { runStream } from "./stream.mjs";

const [module, entry] = process.argv.slice(2);
try {
  const model = await import(pathToFileURL(module));
  const answer = await runStream(model, entry, new Uint8Array(readFileSync(0)));
  const bytes = new Uint8Array(await answer.arrayBuffer());
  // Not writeSync: a pipe that is full at the moment would be an error.
  await new Promise((resolve) => process.stdout.write(bytes, resolve));
} catch (error) {
  console.error(`${error}`);
  process.exitCode = 1;
}
