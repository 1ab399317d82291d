/* TFLite's integer LSTM: int8 operands, int16 gates and cell, gemmlowp's 16-bit functions.
   `Qn` is a 16-bit number with n bits before the binary point. */
#ifndef EW_LSTM_Q_H
#define EW_LSTM_Q_H
#include "requantize.h"

EW_INLINE int32_t ew_saturate_16(int32_t v) { return ew_clamp_i32(v, -32768, 32767); }

/* round(a * b / 2^15), halves up, -1 * -1 saturated. */
EW_INLINE ew_i32x16 ew_q15_mul(ew_i32x16 a, ew_i32x16 b) {
  const ew_i32x16 nudged = ew_i32_add(ew_i32_mul(a, b), ew_i32_dup(1 << 14));
  return ew_i32_min(ew_i32_sra(nudged, 15), ew_i32_dup(32767));
}
EW_INLINE ew_i32x16 ew_q15_mul_by(ew_i32x16 a, int32_t b) { return ew_q15_mul(a, ew_i32_dup(b)); }

/* x * 2^by, saturated where the bits do not fit. */
EW_INLINE ew_i32x16 ew_q15_scale(ew_i32x16 x, int32_t by) {
  const ew_i32x16 top = ew_i32_dup((1 << (15 - by)) - 1), bottom = ew_i32_dup(1 - (1 << (15 - by)));
  const ew_i32x16 v =
      ew_i32_select(ew_i32_gt(x, top), ew_i32_dup(32767), ew_i32_shl(x, by));
  return ew_i32_select(ew_i32_gt(bottom, x), ew_i32_dup(-32768), v);
}

EW_INLINE ew_i32x16 ew_q15_halve(ew_i32x16 x, int32_t times) {
  return ew_i32_shift_round(x, ew_i32_dup(times));
}

/* e^a in Q0 for a <= 0 in Q(bits): e^-1/8 times a Taylor series, then powers of e^-(2^n). */
EW_INLINE ew_i32x16 ew_q15_exp(ew_i32x16 a, int32_t bits) {
  static const int16_t powers[7] = {25520, 19875, 12055, 4435, 600, 11, 0};
  const int32_t fraction = 15 - bits, quarter = 1 << (fraction - 2);
  const ew_i32x16 zero = ew_i32_dup(0);
  const ew_i32x16 modulo =
      ew_i32_sub(ew_i32_and(a, ew_i32_dup(quarter - 1)), ew_i32_dup(quarter));
  const ew_i32x16 x = ew_i32_add(ew_q15_scale(modulo, bits), ew_i32_dup(1 << 12));
  const ew_i32x16 square = ew_q15_mul(x, x);
  const ew_i32x16 cube = ew_q15_mul(square, x), fourth = ew_q15_mul(square, square);
  const ew_i32x16 third = ew_q15_mul_by(ew_i32_add(ew_q15_halve(fourth, 2), cube), 10923);
  const ew_i32x16 series = ew_i32_add(x, ew_q15_halve(ew_i32_add(third, square), 1));
  ew_i32x16 result = ew_i32_add(ew_q15_mul_by(series, 28918), ew_i32_dup(28918));
  result = ew_i32_min(result, ew_i32_dup(32767));
  const ew_i32x16 rest = ew_i32_sub(modulo, a);
  for (int32_t n = -2; n < bits && n <= 4; ++n) {
    const ew_i32x16 bit = ew_i32_and(rest, ew_i32_dup(1 << (fraction + n)));
    const ew_i32x16 less = ew_q15_mul_by(result, powers[n + 2]);
    result = ew_i32_select(ew_i32_eq(bit, zero), result, less);
  }
  if (bits > 5) {
    const ew_mask16 far = ew_i32_gt(ew_i32_dup(-(1 << (fraction + 5))), a);
    result = ew_i32_select(far, zero, result);
  }
  return ew_i32_select(ew_i32_eq(a, zero), ew_i32_dup(32767), result);
}

/* 2 / (1 + a) in Q2 for a in [0, 1] in Q0: Newton's steps. */
EW_INLINE ew_i32x16 ew_q15_inverse(ew_i32x16 a) {
  const ew_i32x16 half = ew_i32_sra(ew_i32_add(a, ew_i32_dup(32768)), 1);
  ew_i32x16 x = ew_i32_add(ew_q15_mul_by(half, -15420), ew_i32_dup(23130));
  for (int i = 0; i < 3; ++i) {
    const ew_i32x16 error = ew_i32_sub(ew_i32_dup(1 << 13), ew_q15_mul(half, x));
    x = ew_i32_add(x, ew_q15_scale(ew_q15_mul(x, error), 2));
  }
  return x;
}

/* v[i] = sigmoid(v[i]) from Q(bits) to Q0. */
EW_KERNEL void ew_q15_sigmoid(int16_t *v, int32_t n, int32_t bits) {
  const ew_i32x16 zero = ew_i32_dup(0);
  for (int32_t i = 0; i < n; i += 16) {
    const int rest = ew_min_i32(n - i, 16);
    const ew_i32x16 a = ew_i32_load_s16_n(v + i, rest);
    const ew_i32x16 power = ew_q15_exp(ew_i32_min(a, ew_i32_sub(zero, a)), bits);
    const ew_i32x16 above = ew_q15_scale(ew_q15_inverse(power), 1);
    const ew_i32x16 below = ew_i32_sub(ew_i32_dup(32767), above);
    const ew_i32x16 y = ew_i32_select(ew_i32_gt(a, zero), above, below);
    const ew_mask16 middle = ew_i32_eq(a, zero);
    ew_i32_store_s16_n(v + i, ew_i32_select(middle, ew_i32_dup(1 << 14), y), rest);
  }
}

/* v[i] = tanh(v[i]) from Q(bits) to Q0. */
EW_KERNEL void ew_q15_tanh(int16_t *v, int32_t n, int32_t bits) {
  const ew_i32x16 zero = ew_i32_dup(0);
  for (int32_t i = 0; i < n; i += 16) {
    const int rest = ew_min_i32(n - i, 16);
    const ew_i32x16 a = ew_i32_load_s16_n(v + i, rest);
    const ew_i32x16 power = ew_q15_exp(ew_i32_min(a, ew_i32_sub(zero, a)), bits + 1);
    const ew_i32x16 twice = ew_i32_sub(ew_q15_inverse(power), ew_i32_dup(1 << 13));
    const ew_i32x16 above = ew_q15_scale(twice, 2);
    const ew_i32x16 y = ew_i32_select(ew_i32_gt(a, zero), above, ew_i32_sub(zero, above));
    ew_i32_store_s16_n(v + i, ew_i32_select(ew_i32_eq(a, zero), zero, y), rest);
  }
}

/* Numbers of the whole layer; `pack_lstm` in ops/lstm.py writes it. */
typedef struct ew_lstm_numbers {
  int32_t h_factor[2], h_zero, cell_bits, clip;
} ew_lstm_numbers;

/* One gate row: bias + w x, to Q3.12. row_numbers [3] are bias, multiplier, shift. */
EW_INLINE int32_t ew_lstm_gate(const int8_t *x, const int8_t *w, int32_t columns,
                               const int32_t *row_numbers) {
  int32_t sum = 0;
  for (int32_t k = 0; k < columns; ++k) sum += x[k] * w[k];
  return ew_multiply_i32(ew_add_wrap(sum, row_numbers[0]), row_numbers[1], row_numbers[2]);
}

/* One step for one row of the batch: h [units] and c [units] are read and replaced, y gets the new h.
   w [4 units][inputs], r [4 units][units]; their numbers [4 units][3]; gates is scratch [4 units]. */
EW_KERNEL void ew_lstm_step_s8(const int8_t *x, int32_t inputs, int32_t units, const int8_t *w,
                               const int8_t *r, const int32_t *w_numbers, const int32_t *r_numbers,
                               const int32_t *numbers, int16_t *gates, int8_t *h, int16_t *c,
                               int8_t *y) {
  ew_lstm_numbers q;
  __builtin_memcpy(&q, numbers, sizeof q);
  for (int32_t g = 0; g < 4 * units; ++g) {
    const int32_t first = ew_lstm_gate(x, w + (ptrdiff_t)g * inputs, inputs, w_numbers + 3 * g);
    const int32_t second = ew_lstm_gate(h, r + (ptrdiff_t)g * units, units, r_numbers + 3 * g);
    gates[g] = (int16_t)ew_saturate_16(second + ew_saturate_16(first));
  }
  int16_t *i = gates, *f = gates + units, *g = gates + 2 * units, *o = gates + 3 * units;
  ew_q15_sigmoid(i, 2 * units, 3);
  ew_q15_tanh(g, units, 3);
  ew_q15_sigmoid(o, units, 3);
  for (int32_t u = 0; u < units; ++u) {
    const int32_t kept = (int16_t)ew_shift_round_i32(f[u] * c[u], 15);
    const int32_t added = (int16_t)ew_shift_round_i32(i[u] * g[u], 15 + q.cell_bits);
    const int32_t cell = ew_saturate_16(kept + added);
    c[u] = (int16_t)(q.clip > 0 ? ew_clamp_i32(cell, -q.clip, q.clip) : cell);
    g[u] = c[u];
  }
  ew_q15_tanh(g, units, q.cell_bits);
  for (int32_t u = 0; u < units; ++u) {
    const int32_t hidden = ew_multiply_i32(o[u] * g[u], q.h_factor[0], q.h_factor[1]) + q.h_zero;
    y[u] = h[u] = (int8_t)ew_clamp_i32(hidden, -128, 127);
  }
}

#endif
