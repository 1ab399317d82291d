/** The page of a package: feeds the model, shows what it answers, checks it, and measures it. */
import { load } from "../model.js";

import { drawSpread, measure, milliseconds } from "./benchmark.js";
import * as samples from "./samples.js";

const VECTOR = "../../vectors/0"; // where a package has it, seen from this page
const SESSION = "../../session.json"; // only `edgewright serve` has one
const TOP = 5;
const MOST_NUMBERS = 16; // of an output that are shown
const MOST_TYPED = 1024; // of an input that can be typed
const FLOAT_TOLERANCE = 1e-4; // of the output's range

const $ = (id) => document.getElementById(id);

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function say(id, text, good) {
  $(id).textContent = text;
  $(id).classList.toggle("good", good === true);
  $(id).classList.toggle("bad", good === false);
}

function fail(error) {
  $("problem").hidden = false;
  $("problem").textContent = error.message ?? `${error}`;
  console.error(error);
}

async function json(url) {
  try {
    const response = await fetch(url);
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

/* ---- what the page knows ---- */

let model;
let contract;
let session;
let sizes = {};
let values = {};
const report = {};

const inputContract = (index, tensor) =>
  contract.inputs?.find((known) => known.name === tensor.name) ??
  (contract.inputs?.[index]?.name ? {} : contract.inputs?.[index]) ?? {};
const outputContract = (index, tensor) =>
  contract.outputs?.find((known) => known.name === tensor.name) ??
  (contract.outputs?.[index]?.name ? {} : contract.outputs?.[index]) ?? {};

/* ---- inputs ---- */

function showInputs() {
  $("inputs").replaceChildren(...sizeFields());
  model.inputs.forEach((tensor, index) => {
    const known = inputContract(index, tensor);
    const kind = samples.kindOf(known, tensor, sizes);
    const about = `${tensor.dtype} [${tensor.shape(sizes).join(" × ")}]`;
    if (model.inputs.length > 1) $("inputs").append(make("h3", { textContent: tensor.name }));
    $("inputs").append(make("p", { className: "hint", textContent: about }));
    const panel = { image: picturePanel, audio: soundPanel, array: numberPanel }[kind];
    values[tensor.id] = samples.randomTensor(known, tensor, sizes);
    $("inputs").append(...panel(tensor, known));
    if (kind !== "array" && samples.isGuessed(known)) {
      $("hint").hidden = false;
      $("hint").textContent =
        "The package does not say what its input means: this page guesses. State `kind`, `mean` " +
        "and `scale` in model.toml.";
    }
  });
}

function sizeFields() {
  const entry = Object.values(model.entries)[0];
  return Object.entries(entry.dims).map(([name, [low, high]]) => {
    sizes[name] ??= low;
    const field = make("input", { type: "number", min: low, max: high, value: sizes[name] });
    field.onchange = () => {
      sizes[name] = Math.min(high, Math.max(low, Math.round(Number(field.value)) || low));
      showInputs();
    };
    return make("label", { className: "size" }, `${name} (${low} to ${high}) `, field);
  });
}

function button(text, onclick) {
  return make("button", { type: "button", textContent: text, onclick });
}

function fileButton(text, accept, onfile, capture) {
  const input = make("input", { type: "file", accept });
  if (capture) input.setAttribute("capture", capture);
  input.onchange = () => input.files[0] && onfile(input.files[0]).catch(fail);
  return make("label", { className: "button" }, text, input);
}

function picturePanel(tensor, known) {
  const size = samples.pictureSize(known, tensor.shape(sizes));
  const canvas = make("canvas", { className: "view", width: size.width, height: size.height });
  const show = (source) => {
    samples.drawPicture(canvas, source, known, size);
    values[tensor.id] = samples.pictureTensor(canvas, known, tensor, size);
    return answer();
  };
  const open = async (file) => show(await createImageBitmap(file));
  const photo = /Android|iPhone|iPad/.test(navigator.userAgent);
  const buttons = [fileButton("Choose a picture", "image/*", open)];
  if (navigator.mediaDevices?.getUserMedia) buttons.unshift(cameraButton(show));
  else if (photo) buttons.unshift(fileButton("Take a picture", "image/*", open, "environment"));
  return [make("div", {}, ...buttons), canvas];
}

/** Frames of the camera, one after the other, until it is pressed again. */
function cameraButton(show) {
  let stream = null;
  const stop = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    toggle.textContent = "Use the camera";
  };
  const start = async () => {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    toggle.textContent = "Stop the camera";
    const video = make("video", { srcObject: stream, playsInline: true, muted: true });
    await video.play();
    while (stream) {
      await show(video);
      await new Promise(requestAnimationFrame);
    }
  };
  const toggle = button("Use the camera", () => {
    if (stream) stop();
    else start().catch((error) => { stop(); fail(error); });
  });
  return toggle;
}

function soundPanel(tensor, known) {
  const length = samples.count(tensor.shape(sizes));
  const canvas = make("canvas", { className: "view wave", width: 320, height: 80 });
  const open = async (blob) => {
    const sound = await samples.soundSamples(blob, known, length);
    drawWave(canvas, sound);
    values[tensor.id] = samples.soundTensor(sound, known, tensor);
    await answer();
  };
  const buttons = [fileButton("Choose a sound", "audio/*", open)];
  if (navigator.mediaDevices?.getUserMedia)
    buttons.unshift(recordButton((1000 * length) / samples.rateOf(known), open));
  return [make("div", {}, ...buttons), canvas];
}

function recordButton(lasts, open) {
  const record = async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const recorder = new MediaRecorder(stream);
    const parts = [];
    recorder.ondataavailable = (event) => parts.push(event.data);
    const stopped = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.start();
    toggle.textContent = "Listening…";
    await new Promise((resolve) => setTimeout(resolve, lasts + 200));
    recorder.stop();
    await stopped;
    stream.getTracks().forEach((track) => track.stop());
    await open(new Blob(parts, { type: recorder.mimeType }));
  };
  const rest = `Record ${(lasts / 1000).toFixed(1)} s`;
  const toggle = button(rest, async () => {
    toggle.disabled = true;
    await record().catch(fail);
    toggle.disabled = false;
    toggle.textContent = rest;
  });
  return toggle;
}

function drawWave(canvas, sound) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.strokeStyle = getComputedStyle(canvas).color;
  context.beginPath();
  for (let x = 0; x < canvas.width; ++x) {
    const value = sound[Math.floor((x * sound.length) / canvas.width)];
    context.lineTo(x, (canvas.height / 2) * (1 - value));
  }
  context.stroke();
}

function numberPanel(tensor, known) {
  const length = samples.count(tensor.shape(sizes));
  const field = make("textarea", { ariaLabel: `numbers of ${tensor.name}`, spellcheck: false });
  const fill = () => {
    values[tensor.id] = samples.randomTensor(known, tensor, sizes);
    field.value = Array.from(values[tensor.id]).join(", ");
  };
  const random = button("Random numbers", () => { fill(); answer(); });
  if (length > MOST_TYPED) return [make("div", {}, random)];
  fill();
  const run = button("Run these", () => {
    try {
      values[tensor.id] = samples.typedTensor(field.value, tensor, sizes);
      $("problem").hidden = true;
      answer();
    } catch (error) {
      fail(error);
    }
  });
  return [field, make("div", {}, run, random)];
}

/* ---- outputs ---- */

async function run(inputs) {
  const entry = Object.values(model.entries)[0];
  const dims = Object.keys(entry.dims).length ? sizes : undefined;
  const start = performance.now();
  const outputs = await model.run(inputs, dims);
  return { outputs, took: performance.now() - start };
}

async function answer() {
  try {
    const { outputs, took } = await run(values);
    showOutputs(outputs);
    $("took").textContent = `${milliseconds(took)} ms`;
    $("problem").hidden = true;
  } catch (error) {
    fail(error);
  }
}

function showOutputs(outputs) {
  report.top = undefined;
  $("outputs").replaceChildren();
  model.outputs.forEach((tensor, index) => {
    if (model.outputs.length > 1) $("outputs").append(make("h3", { textContent: tensor.name }));
    const known = outputContract(index, tensor);
    const real = samples.realNumbers(outputs[tensor.id], tensor);
    if (known.kind === "classes") $("outputs").append(classList(real, known));
    else $("outputs").append(numberList(outputs[tensor.id], real, tensor));
  });
}

/** Probabilities: as they are, or by softmax where they are none. */
function probabilities(real) {
  const total = real.reduce((a, b) => a + b, 0);
  if (real.every((value) => value >= 0) && Math.abs(total - 1) <= 0.05) return real;
  const most = real.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = real.map((value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
}

function classList(real, known) {
  const scores = real.length === 1 ? [] : probabilities(real);
  const label = (index) => known.labels?.[index] ?? `${index}`;
  const order = real.length === 1
    ? [Math.round(real[0])]
    : Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a]).slice(0, TOP);
  const score = (index) => scores[index] ?? 1;
  report.top ??= { label: label(order[0]), score: score(order[0]) };
  const list = make("ol", { className: "classes" });
  for (const index of order) {
    const percent = `${(100 * score(index)).toFixed(1)} %`;
    const item = make("li", {}, make("span", { textContent: label(index) }),
      make("span", { className: "value", textContent: percent }));
    item.style.setProperty("--score", score(index).toFixed(4));
    list.append(item);
  }
  return list;
}

function numberList(array, real, tensor) {
  const shown = Array.from(real.subarray(0, MOST_NUMBERS), (value) => Number(value.toPrecision(5)));
  const more = array.length > MOST_NUMBERS ? ` … ${array.length} in all` : "";
  const text = `${shown.join("  ")}${more}`;
  return make("p", { className: "numbers", textContent: text, title: tensor.name });
}

/* ---- check and benchmark ---- */

/** The run-time sizes at which the inputs have the shapes of a test vector. */
function sizesOf(vector) {
  const entry = Object.values(model.entries)[0];
  const least = Object.fromEntries(Object.entries(entry.dims).map(([name, [low]]) => [name, low]));
  const found = { ...least };
  for (const name of Object.keys(least))
    for (const tensor of entry.inputs) {
      const before = tensor.shape(least);
      const after = tensor.shape({ ...least, [name]: least[name] + 1 });
      const axis = after.findIndex((size, i) => size === before[i] + 1);
      if (axis >= 0) found[name] = least[name] + vector[tensor.id].shape[axis] - before[axis];
    }
  return found;
}

async function readVector(kind, tensors) {
  const found = {};
  for (const { id } of tensors) {
    const response = await fetch(`${VECTOR}/${kind}/${id}.npy`);
    if (!response.ok) throw new Error("there are no test vectors beside this page");
    found[id] = samples.readNpy(await response.arrayBuffer());
  }
  return found;
}

/** Relative to the output's range for floats; in units of the last place for integers. */
function difference(actual, expected, isFloat) {
  let most = 0;
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < expected.length; ++i) {
    const [a, e] = [Number(actual[i]), Number(expected[i])];
    const apart = Object.is(a, e) || a === e ? 0 : Math.abs(a - e);
    most = Math.max(most, Number.isNaN(apart) ? Infinity : apart);
    if (Number.isFinite(e)) [low, high] = [Math.min(low, e), Math.max(high, e)];
  }
  const range = Math.max(high - low, 0.1 * Math.max(Math.abs(low), Math.abs(high)), 1e-6);
  return isFloat ? most / range : most;
}

async function check() {
  $("check").disabled = true;
  try {
    const inputs = await readVector("inputs", model.inputs);
    const expected = await readVector("outputs", model.outputs);
    const found = sizesOf(inputs);
    if (JSON.stringify(found) !== JSON.stringify({ ...found, ...sizes })) {
      sizes = found;
      showInputs();
    }
    await model.reset();
    values = Object.fromEntries(Object.entries(inputs).map(([id, { array }]) => [id, array]));
    const { outputs } = await run(values);
    showOutputs(outputs);
    let good = true;
    let worst = 0;
    for (const { id, dtype } of model.outputs) {
      const isFloat = dtype.startsWith("float");
      const error = difference(outputs[id], expected[id].array, isFloat);
      good &&= error <= (isFloat ? FLOAT_TOLERANCE : 0);
      worst = Math.max(worst, error);
    }
    Object.assign(report, { check: good ? "ok" : "differs", error: worst });
    const exact = worst === 0 ? "bit for bit" : `error ${worst.toExponential(1)}`;
    say("checked", good ? `The same as the reference: ${exact}.` : `DIFFERS: ${exact}.`, good);
  } catch (error) {
    report.check = "absent";
    say("checked", error.message, false);
  }
  $("check").disabled = false;
}

async function benchmark() {
  $("benchmark").disabled = true;
  try {
    if (!report.check) await check();
    const entry = Object.values(model.entries)[0];
    const dims = Object.keys(entry.dims).length ? sizes : undefined;
    const result = await measure(
      () => model.run(values, dims),
      (share) => say("measured", `measuring… ${Math.round(100 * share)} %`),
    );
    const range = `${milliseconds(result.low)} to ${milliseconds(result.high)}`;
    say("measured", `${milliseconds(result.median)} ms a run (${range}; ${result.runs} runs)`);
    drawSpread($("spread"), result);
    await send(result);
  } catch (error) {
    fail(error);
  }
  $("benchmark").disabled = false;
}

/** Tell the terminal, where `edgewright serve` listens. */
async function send(result) {
  if (!session) return;
  const body = JSON.stringify({
    target: model.target, median_ms: result.median, low_ms: result.low, high_ms: result.high,
    runs: result.runs, check: report.check ?? "absent", error: report.error ?? null,
    top: report.top ?? null, cores: navigator.hardwareConcurrency ?? null,
    isolated: globalThis.crossOriginIsolated ?? false,
  });
  const response = await fetch(session.results, {
    method: "POST", headers: { "Content-Type": "application/json" }, body,
  });
  $("measured").append(response.ok ? " · sent to the terminal" : " · could not be sent");
}

/* ---- start ---- */

async function start() {
  contract = (await json("page/contract.json")) ?? {};
  const begin = performance.now();
  model = await load({
    onProgress: (loaded, total) => ($("loading").value = loaded / total),
  });
  const took = Math.round(performance.now() - begin);
  session = await json(SESSION);
  const threads = model.threads ? `, ${model.threads} workers` : "";
  $("about").textContent = [contract.model?.description, `${model.target}${threads}, loaded in ${took} ms`]
    .filter(Boolean).join(" · ");
  $("loading").hidden = true;
  showInputs();
  $("check").onclick = check;
  $("benchmark").onclick = benchmark;
  $("main").hidden = false;
}

start().catch(fail);
