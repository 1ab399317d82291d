/** One thread of the model: gets code and memory first, then a function to call at a time. */
let exports;

async function obey(message) {
  if (message.module) {
    const env = { memory: message.memory };
    ({ exports } = await WebAssembly.instantiate(message.module, { env }));
    exports.__stack_pointer.value = message.stack;
    return 0;
  }
  return exports[message.function](...message.arguments);
}

/** The function's result, or what went wrong, as text. */
async function answer(message) {
  try {
    return await obey(message);
  } catch (error) {
    return `${error}`;
  }
}

if (typeof self === "undefined") {
  import("node:worker_threads").then(({ parentPort: port }) =>
    port.on("message", async (message) => port.postMessage(await answer(message))),
  );
} else {
  self.onmessage = async (event) => self.postMessage(await answer(event.data));
}
