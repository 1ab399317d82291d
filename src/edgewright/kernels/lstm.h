/* Long short-term memory in float32. Gates are i, f, g, o.

   Gate rows lie in blocks of sixteen units, four gates each: [blocks][..][4][16] with blocks =
   units / 16 rounded up. What x adds is one product for several steps at once; what h adds is read
   from memory once for every step, which is what this takes. */
#ifndef EW_LSTM_H
#define EW_LSTM_H
#include "fully_connected_f32.h"
#include "math.h"

/* Gates that are summed up at once: as many as registers hold. */
#if defined(__arm__) || defined(__wasm__)
#define EW_LSTM_GATES 2
#else
#define EW_LSTM_GATES 4
#endif

typedef struct ew_lstm_shape {
  int32_t steps, batch, inputs, units;
  int32_t held; /* steps of which the scratch memory holds the gates */
  int32_t reverse;
} ew_lstm_shape;

/* Adds to the gates of one block what h [units] does; r_block is [units][4][16]. */
EW_INLINE void ew_lstm_sums(const float *h, int32_t units, const float *r_block,
                            ew_f32x16 gates[4]) {
  EW_UNROLL for (int first = 0; first < 4; first += EW_LSTM_GATES) {
    const float *r = r_block + 16 * first;
    ew_f32x16 sums[EW_LSTM_GATES];
    EW_UNROLL for (int g = 0; g < EW_LSTM_GATES; ++g) sums[g] = gates[first + g];
    for (int32_t k = 0; k < units; ++k, r += 64) {
      const ew_f32x16 value = ew_f32_dup(h[k]);
      EW_UNROLL for (int g = 0; g < EW_LSTM_GATES; ++g)
        sums[g] = ew_fma(value, ew_f32_load(r + 16 * g), sums[g]);
    }
    EW_UNROLL for (int g = 0; g < EW_LSTM_GATES; ++g) gates[first + g] = sums[g];
  }
}

/* One step of one row of the batch. sums [blocks][4][16] is what x and the bias add; h [units] is
   what the step before gave, y [units] gets what this one gives, c [units] is replaced. clip = 0
   means none. `back` takes the blocks from the last to the first: done at every other step, those
   that are still in the cache come first. */
EW_KERNEL void ew_lstm_step_f32(const float *sums, int32_t units, const float *r, float clip,
                                int32_t back, const float *h, float *c, float *y) {
  const int32_t blocks = (units + 15) / 16;
  for (int32_t at = 0; at < blocks; ++at) {
    const int32_t b = back ? blocks - 1 - at : at;
    const int n = ew_min_i32(units - 16 * b, 16);
    ew_f32x16 gates[4];
    EW_UNROLL for (int g = 0; g < 4; ++g) gates[g] = ew_f32_load(sums + 64 * b + 16 * g);
    ew_lstm_sums(h, units, r + (ptrdiff_t)b * units * 64, gates);
    const ew_f32x16 i = ew_f32_sigmoid(gates[0]), f = ew_f32_sigmoid(gates[1]);
    const ew_f32x16 kept = ew_f32_mul(f, ew_f32_load_n(c + 16 * b, n));
    ew_f32x16 cell = ew_fma(i, ew_f32_tanh(gates[2]), kept);
    if (clip > 0.0f) cell = ew_f32_clamp(cell, ew_f32_dup(-clip), ew_f32_dup(clip));
    const ew_f32x16 hidden = ew_f32_mul(ew_f32_sigmoid(gates[3]), ew_f32_tanh(cell));
    ew_f32_store_n(c + 16 * b, cell, n);
    ew_f32_store_n(y + 16 * b, hidden, n);
  }
}

/* x [steps, batch, inputs]; y [steps, batch, units]; h and c [batch, units] are read and replaced.
   w and bias as ew_fully_connected_f32 reads them, with the gate rows above for columns; r
   [blocks][units][4][16]. scratch: [held, batch, blocks, 4, 16] floats, then that of the product. */
EW_INLINE void ew_lstm_f32(const ew_lstm_shape s, const float *x, const float *w, const float *bias,
                           const float *r, float clip, float *h, float *c, float *y,
                           void *scratch) {
  const int32_t columns = (s.units + 15) / 16 * 64, row = s.batch * s.units;
  float *const sums = scratch;
  const float *before = h;
  for (int32_t t0 = 0; t0 < s.steps; t0 += s.held) {
    const int32_t count = ew_min_i32(s.steps - t0, s.held);
    const int32_t first = s.reverse ? s.steps - t0 - count : t0;
    ew_fully_connected_f32(count * s.batch, s.inputs, columns,
                           x + (ptrdiff_t)first * s.batch * s.inputs, w, bias, (const float *)0,
                           -EW_INFINITY, EW_INFINITY, sums,
                           sums + (ptrdiff_t)s.held * s.batch * columns);
    for (int32_t i = 0; i < count; ++i) {
      const int32_t t = s.reverse ? count - 1 - i : i;
      float *const now = y + (ptrdiff_t)(first + t) * row;
      for (int32_t n = 0; n < s.batch; ++n)
        ew_lstm_step_f32(sums + ((ptrdiff_t)t * s.batch + n) * columns, s.units, r, clip, t & 1,
                         before + n * s.units, c + n * s.units, now + n * s.units);
      before = now;
    }
  }
  if (before != h) __builtin_memcpy(h, before, (size_t)row * 4);
}

#endif
