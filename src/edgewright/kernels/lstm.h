/* Long short-term memory: one step for one row of the batch. Gates are i, f, g, o. */
#ifndef EW_LSTM_H
#define EW_LSTM_H
#include "math.h"

/* Sums for sixteen gate rows: w_block is [columns][16]. */
EW_INLINE ew_f32x16 ew_lstm_rows(const float *x, int32_t columns, const float *w_block,
                                 ew_f32x16 sum) {
  ew_f32x16 odd = ew_f32_dup(0.0f);
  int32_t k = 0;
  for (; k + 2 <= columns; k += 2, w_block += 32) {
    sum = ew_fma(ew_f32_dup(x[k]), ew_f32_load(w_block), sum);
    odd = ew_fma(ew_f32_dup(x[k + 1]), ew_f32_load(w_block + 16), odd);
  }
  if (k < columns) sum = ew_fma(ew_f32_dup(x[k]), ew_f32_load(w_block), sum);
  return ew_f32_add(sum, odd);
}

/* x [inputs]; h, c [units] are read and replaced; y [units] gets the new h; gates is scratch of
   4 * units rounded up to sixteens. w and r are [blocks][inputs or units][16], bias [blocks][16],
   with blocks = units / 16 rounded up, once per gate. clip = 0 means none. */
EW_KERNEL void ew_lstm_step_f32(const float *x, int32_t inputs, int32_t units, const float *w,
                                const float *r, const float *bias, float clip, float *gates,
                                float *h, float *c, float *y) {
  const int32_t blocks = (units + 15) / 16;
  for (int32_t b = 0; b < 4 * blocks; ++b) {
    ew_f32x16 sum = ew_f32_load(bias + 16 * b);
    sum = ew_lstm_rows(x, inputs, w + (ptrdiff_t)b * inputs * 16, sum);
    sum = ew_lstm_rows(h, units, r + (ptrdiff_t)b * units * 16, sum);
    ew_f32_store(gates + 16 * b, sum);
  }
  for (int32_t b = 0; b < blocks; ++b) {
    const int n = ew_min_i32(units - 16 * b, 16);
    const ew_f32x16 i = ew_f32_sigmoid(ew_f32_load(gates + 16 * b));
    const ew_f32x16 f = ew_f32_sigmoid(ew_f32_load(gates + 16 * (blocks + b)));
    const ew_f32x16 g = ew_f32_tanh(ew_f32_load(gates + 16 * (2 * blocks + b)));
    const ew_f32x16 o = ew_f32_sigmoid(ew_f32_load(gates + 16 * (3 * blocks + b)));
    const ew_f32x16 kept = ew_f32_mul(f, ew_f32_load_n(c + 16 * b, n));
    ew_f32x16 cell = ew_fma(i, g, kept);
    if (clip > 0.0f) cell = ew_f32_clamp(cell, ew_f32_dup(-clip), ew_f32_dup(clip));
    const ew_f32x16 hidden = ew_f32_mul(o, ew_f32_tanh(cell));
    ew_f32_store_n(c + 16 * b, cell, n);
    ew_f32_store_n(h + 16 * b, hidden, n);
    ew_f32_store_n(y + 16 * b, hidden, n);
  }
}

#endif
