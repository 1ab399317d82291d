/** $name: made by Edgewright. */

$interfaces

/** real value = scale * (stored - zero) */
export interface Quantisation {
  readonly scale: number;
  readonly zero: number;
}

export interface Tensor<S> {
  /** The key in inputs and outputs. */
  readonly id: string;
  /** What the model's author called it; inputs are found by this name too. */
  readonly name: string;
  readonly dtype: string;
  shape(sizes?: S): number[];
  readonly quant?: Quantisation;
}

export interface Entry<I, O, S> {
  readonly name: string;
  /** The least and the largest value of each run-time size. */
  readonly dims: Readonly<Record<string, readonly [number, number]>>;
  readonly inputs: readonly Tensor<S>[];
  readonly outputs: readonly Tensor<S>[];
  run(inputs: I, sizes?: S): $result;
}

export interface Model {
  readonly name: string;
  readonly target: string;
  readonly inputs: readonly Tensor<Sizes>[];
  readonly outputs: readonly Tensor<Sizes>[];
  readonly entries: {
$entries
  };
  /** Run the first entry point. Throws a ModelError that says what is wrong with the inputs. */
  run(inputs: Inputs, $sizes): $outputs;
  /** Put the state, where there is one, back to its beginning. */
  reset(): $done;
  /** Give the memory back; the model cannot be used afterwards. */
  dispose(): void;
$threads}

type Source = string | URL | Response | Promise<Response> | BufferSource;

export interface LoadOptions {
  /** The code; default: $name.wasm beside this module. */
  wasm?: Source | WebAssembly.Module;
  /** The weights; default: weights.bin beside this module. */
  weights?: Source;
  /** Told of the weights' bytes as they arrive. */
  onProgress?: (loaded: number, total: number) => void;
  /** Workers, in a build for web-threads. */
  threads?: number;
  /** The script of the workers, in a build for web-threads. */
  worker?: string | URL;
}

export class ModelError extends Error {
  /** An ew_error of model.h, or 0. */
  readonly code: number;
}

export function load(options?: LoadOptions): Promise<Model>;
