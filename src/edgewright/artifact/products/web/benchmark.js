/** Measuring with a clock that browsers make coarse: many short measurements of several runs each. */

const SETTLE_MS = 300;
const LEAST_MS = 5; // of one measurement: fifty ticks of a clock that counts tenths
const MEASUREMENTS = 31;
const MOST_MS = 6000;

const quantile = (sorted, share) => {
  const at = (sorted.length - 1) * share;
  const low = Math.floor(at);
  return sorted[low] + (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]) * (at - low);
};

/** Lets the page draw and answer. */
const breath = () => new Promise((resolve) => setTimeout(resolve));

async function timed(run, times) {
  const start = performance.now();
  for (let i = 0; i < times; ++i) {
    const pending = run();
    if (pending instanceof Promise) await pending;
  }
  return performance.now() - start;
}

/** Median and quartiles, in milliseconds a run; `onProgress` gets the share that is done. */
export async function measure(run, onProgress) {
  let settled = 0;
  let runs = 0;
  while (settled < SETTLE_MS || runs < 3) {
    settled += await timed(run, 1);
    runs += 1;
  }
  const times = Math.max(1, Math.ceil((LEAST_MS * runs) / settled));
  const samples = [];
  const start = performance.now();
  while (samples.length < MEASUREMENTS && (samples.length < 5 || performance.now() - start < MOST_MS)) {
    samples.push((await timed(run, times)) / times);
    onProgress?.(samples.length / MEASUREMENTS);
    await breath();
  }
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75),
    least: sorted[0], most: sorted.at(-1), samples, runs: samples.length * times,
  };
}

/** A dot for each measurement, the middle half as a box, the median as a line. */
export function drawSpread(place, result) {
  const wide = result.most - result.least || 1;
  const x = (value) => 2 + (96 * (value - result.least)) / wide;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "spread");
  svg.setAttribute("viewBox", "0 0 100 12");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", "spread of the measurements");
  const add = (name, attributes) => {
    const element = document.createElementNS(svg.namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    svg.append(element);
  };
  add("rect", { x: x(result.low), y: 1, width: Math.max(0.5, x(result.high) - x(result.low)), height: 10 });
  result.samples.forEach((value, i) =>
    add("circle", { cx: x(value), cy: 3 + ((i * 7) % 13) / 2, r: 0.8 }));
  add("line", {
    x1: x(result.median), x2: x(result.median), y1: 0, y2: 12, "vector-effect": "non-scaling-stroke",
  });
  place.replaceChildren(svg);
}

export function milliseconds(value) {
  return value >= 10 ? value.toFixed(1) : value >= 0.1 ? value.toFixed(2) : value.toFixed(4);
}
