/** From pictures, sounds and numbers to the arrays that a model takes, as its contract says. */

const ARRAYS = {
  bool: Uint8Array, int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array,
  int32: Int32Array, uint32: Uint32Array, int64: BigInt64Array, uint64: BigUint64Array,
  float16: Uint16Array, float32: Float32Array, float64: Float64Array,
};
const LIMITS = {
  bool: [0, 1], int8: [-128, 127], uint8: [0, 255], int16: [-32768, 32767], uint16: [0, 65535],
  int32: [-(2 ** 31), 2 ** 31 - 1], uint32: [0, 2 ** 32 - 1],
};
const FEW_CHANNELS = [1, 3, 4];
const LEAST_SIDE = 16; // of a picture that no contract calls one
const LEAST_SOUND = 4000; // numbers, likewise
const DEFAULT_CROP = 0.875;
const DEFAULT_RATE = 16000;

export const count = (shape) => shape.reduce((total, size) => total * size, 1);

function roundHalfEven(value) {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}

/** What a sample of an input is: stated by the contract, or seen by its shape. */
export function kindOf(contract, tensor, sizes) {
  if (contract.kind === "image" || contract.kind === "audio") return contract.kind;
  if (contract.kind) return "array";
  const shape = tensor.shape(sizes);
  const picture = pictureSize(contract, shape);
  if (picture && Math.min(picture.height, picture.width) >= LEAST_SIDE) return "image";
  const long = shape.filter((size) => size > 1).length === 1 && count(shape) >= LEAST_SOUND;
  return long && /float|int16/.test(tensor.dtype) ? "audio" : "array";
}

/** Height, width and channels of a picture's tensor, or null where it is none. */
export function pictureSize(contract, shape) {
  const [a, b, c] = shape.slice(-3);
  if (shape.length < 3 || count(shape) !== a * b * c) {
    if (contract.kind !== "image") return null;
    const side = Math.sqrt(count(shape)); // flattened
    return Number.isInteger(side) ? { height: side, width: side, channels: 1, first: false } : null;
  }
  const guess = !FEW_CHANNELS.includes(c) && FEW_CHANNELS.includes(a);
  const first = contract.layout ? contract.layout === "nchw" : guess;
  const found = first
    ? { channels: a, height: b, width: c, first }
    : { channels: c, height: a, width: b, first };
  return FEW_CHANNELS.includes(found.channels) ? found : null;
}

/** Where a picture of another size is drawn on a canvas of the tensor's size: resize, then crop. */
function placement(contract, own, size) {
  if (contract.resize !== "shorter-side") {
    const crop = contract.crop ?? 1;
    const [tall, wide] = contract.resize_to
      ? [contract.resize_to[0], contract.resize_to.at(-1)]
      : [Math.round(size.height / crop), Math.round(size.width / crop)];
    return centred(tall, wide, size);
  }
  const crop = contract.crop ?? DEFAULT_CROP;
  const least = contract.resize_to
    ? [contract.resize_to[0], contract.resize_to.at(-1)]
    : [Math.round(size.height / crop), Math.round(size.width / crop)];
  const scale = Math.max(least[0] / own.height, least[1] / own.width);
  return centred(Math.round(own.height * scale), Math.round(own.width * scale), size);
}

const centred = (tall, wide, size) => ({
  x: -Math.floor((wide - size.width) / 2), y: -Math.floor((tall - size.height) / 2),
  width: wide, height: tall,
});

/** Draw a picture or a frame of the camera as the model will see it. */
export function drawPicture(canvas, source, contract, size) {
  canvas.width = size.width;
  canvas.height = size.height;
  const own = {
    width: source.videoWidth || source.naturalWidth || source.width,
    height: source.videoHeight || source.naturalHeight || source.height,
  };
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = contract.filter !== "nearest";
  context.imageSmoothingQuality = "high";
  const at = placement(contract, own, size);
  context.drawImage(source, at.x, at.y, at.width, at.height);
  if (size.channels === 1 || contract.colour === "gray") greyed(context, size);
}

/** Luma with Pillow's weights. */
function greyed(context, size) {
  const pixels = context.getImageData(0, 0, size.width, size.height);
  for (let i = 0; i < pixels.data.length; i += 4) {
    const [r, g, b] = pixels.data.subarray(i, i + 3);
    pixels.data.fill((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16, i, i + 3);
  }
  context.putImageData(pixels, 0, 0);
}

/** The tensor for what stands on the canvas. */
export function pictureTensor(canvas, contract, tensor, size) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const { data } = context.getImageData(0, 0, size.width, size.height);
  const order = contract.colour === "bgr" ? [2, 1, 0, 3] : [0, 1, 2, 3];
  const area = size.width * size.height;
  const numbers = new Float64Array(area * size.channels);
  const store = storing(contract, tensor, true);
  for (let i = 0; i < area; ++i)
    for (let c = 0; c < size.channels; ++c) {
      const at = size.first ? c * area + i : i * size.channels + c;
      numbers[at] = store(data[4 * i + order[c]], c);
    }
  return ARRAYS[tensor.dtype].from(numbers);
}

/** How a number of a sample becomes what the tensor stores. */
function storing(contract, tensor, bytes) {
  const { mean, scale } = normalisation(contract, tensor, bytes);
  const normal = (x, c) =>
    (x - (mean[c] ?? mean[0])) * (scale[c] ?? scale[0]);
  const plain = !contract.mean && !contract.scale;
  const stated = contract.values ?? (bytes && plain && tensor.dtype === "uint8" ? "stored" : "real");
  const limits = LIMITS[tensor.dtype];
  if (!limits) return normal;
  const [low, high] = limits;
  const { scale: step, zero } =
    tensor.quant && stated === "real" ? tensor.quant : { scale: 1, zero: 0 };
  return (x, c) => Math.min(high, Math.max(low, roundHalfEven(normal(x, c) / step) + zero));
}

/** Without a contract a picture's bytes are taken as 0 to 1, unless the tensor holds bytes. */
function normalisation(contract, tensor, bytes) {
  const guess = bytes && !contract.kind && tensor.dtype !== "uint8";
  return { mean: contract.mean ?? [0], scale: contract.scale ?? (guess ? [1 / 255] : [1]) };
}

export const isGuessed = (contract) => !contract.kind;

/* ---- sound ---- */

export const rateOf = (contract) => contract.sample_rate ?? DEFAULT_RATE;

/** Mono samples of a sound file or recording, at the model's rate, cut or filled to its length. */
export async function soundSamples(blob, contract, length) {
  const rate = rateOf(contract);
  const decoder = new OfflineAudioContext(1, Math.max(1, length), rate);
  const sound = await decoder.decodeAudioData(await blob.arrayBuffer());
  const samples = new Float32Array(length);
  for (let channel = 0; channel < sound.numberOfChannels; ++channel) {
    const data = sound.getChannelData(channel).subarray(0, length);
    data.forEach((value, i) => (samples[i] += value / sound.numberOfChannels));
  }
  return samples;
}

export function soundTensor(samples, contract, tensor) {
  const store = storing(contract, tensor, false);
  const bits = !tensor.quant && tensor.dtype === "int16" && !contract.scale ? 32768 : 1;
  return ARRAYS[tensor.dtype].from(samples, (value) => store(value * bits, 0));
}

/* ---- numbers ---- */

/** Made-up numbers within the contract's range. */
export function randomTensor(contract, tensor, sizes) {
  const length = count(tensor.shape(sizes));
  const kind = ARRAYS[tensor.dtype];
  if (kind.name.startsWith("Big")) return kind.from({ length }, () => 0n);
  const [low, high] = contract.range ?? [-1, 1];
  if (LIMITS[tensor.dtype] && !tensor.quant) {
    const top = tensor.dtype === "bool" ? 2 : 8; // small ones: they may be indices
    return kind.from({ length }, () => Math.floor(Math.random() * top));
  }
  const store = storing({ values: "real" }, tensor, false);
  return kind.from({ length }, () => store(low + Math.random() * (high - low), 0));
}

/** Numbers that somebody typed, as the tensor stores them. Throws an Error that says what is wrong. */
export function typedTensor(text, tensor, sizes) {
  const words = text.split(/[\s,;]+/).filter(Boolean);
  const length = count(tensor.shape(sizes));
  if (words.length !== length) throw new Error(`${words.length} numbers; ${length} are wanted`);
  const bad = words.find((word) => !Number.isFinite(Number(word)));
  if (bad !== undefined) throw new Error(`${bad} is no number`);
  const kind = ARRAYS[tensor.dtype];
  return kind.name.startsWith("Big") ? kind.from(words, BigInt) : kind.from(words, Number);
}

/* ---- test vectors ---- */

/** The array in a file of NumPy's, with its shape. */
export function readNpy(buffer) {
  const bytes = new Uint8Array(buffer);
  const magic = String.fromCharCode(...bytes.subarray(1, 6));
  if (bytes[0] !== 0x93 || magic !== "NUMPY") throw new Error("this is no .npy file");
  const view = new DataView(buffer);
  const wide = bytes[6] >= 2;
  const start = (wide ? 12 : 10) + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder().decode(bytes.subarray(wide ? 12 : 10, start));
  const dtype = /'descr': '[<|=](\w\d+)'/.exec(header)?.[1];
  const shape = /'shape': \(([^)]*)\)/.exec(header)?.[1].split(",").filter((s) => s.trim());
  const names = {
    b1: "bool", i1: "int8", u1: "uint8", i2: "int16", u2: "uint16", i4: "int32", u4: "uint32",
    i8: "int64", u8: "uint64", f2: "float16", f4: "float32", f8: "float64",
  };
  if (!names[dtype] || !shape) throw new Error(`an array of ${dtype} cannot be read`);
  return { array: new ARRAYS[names[dtype]](buffer.slice(start)), shape: shape.map(Number) };
}

/** Real numbers of a tensor. */
export function realNumbers(array, tensor) {
  const { scale, zero } = tensor.quant ?? { scale: 1, zero: 0 };
  return Float64Array.from(array, (value) => (Number(value) - zero) * scale);
}
