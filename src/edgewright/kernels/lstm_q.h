/* TFLite's integer LSTM: int8 operands, int16 gates and cell, gemmlowp's 16-bit functions.
   `Qn` is a 16-bit number with n bits before the binary point. */
#ifndef EW_LSTM_Q_H
#define EW_LSTM_Q_H
#include "ew.h"

EW_INLINE int32_t ew_saturate_16(int32_t v) { return ew_clamp_i32(v, -32768, 32767); }

/* round(a * b / 2^15), halves away from zero, -1 * -1 saturated. */
EW_INLINE int32_t ew_q15_mul(int32_t a, int32_t b) {
  const int32_t product = a * b;
  return ew_min_i32((product + (product >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15), 32767);
}

/* x * 2^by, saturated where the bits do not fit. */
EW_INLINE int32_t ew_q15_scale(int32_t x, int32_t by) {
  const int32_t threshold = (1 << (15 - by)) - 1;
  if (x > threshold) return 32767;
  return x < -threshold ? -32768 : x * (1 << by);
}

/* e^a in Q0 for a <= 0 in Q(bits): e^-1/8 times a Taylor series, then powers of e^-(2^n). */
EW_KERNEL int32_t ew_q15_exp(int32_t a, int32_t bits) {
  static const int16_t powers[7] = {25520, 19875, 12055, 4435, 600, 11, 0};
  if (a == 0) return 32767;
  const int32_t fraction = 15 - bits, quarter = 1 << (fraction - 2);
  const int32_t modulo = (a & (quarter - 1)) - quarter;
  const int32_t x = (bits > 0 ? ew_q15_scale(modulo, bits) : modulo) + (1 << 12);
  const int32_t square = ew_q15_mul(x, x);
  const int32_t cube = ew_q15_mul(square, x), fourth = ew_q15_mul(square, square);
  const int32_t inner = ew_q15_mul(ew_shift_round_i32(fourth, 2) + cube, 10923) + square;
  const int32_t series = x + ew_shift_round_i32(inner, 1);
  int32_t result = ew_saturate_16(28918 + ew_q15_mul(28918, series));
  const int32_t rest = modulo - a;
  for (int32_t n = -2; n < bits && n <= 4; ++n)
    if ((rest >> (fraction + n)) & 1) result = ew_q15_mul(result, powers[n + 2]);
  return bits > 5 && a < -(1 << (fraction + 5)) ? 0 : result;
}

/* 2 / (1 + a) in Q2 for a in [0, 1] in Q0: Newton's steps. */
EW_KERNEL int32_t ew_q15_inverse(int32_t a) {
  const int32_t half = (a + 32767 + 1) / 2;
  int32_t x = 23130 + ew_q15_mul(half, -15420);
  for (int i = 0; i < 3; ++i)
    x += ew_q15_scale(ew_q15_mul(x, (1 << 13) - ew_q15_mul(half, x)), 2);
  return x;
}

EW_INLINE int32_t ew_q15_sigmoid(int32_t a, int32_t bits) {
  if (a == 0) return 1 << 14;
  const int32_t positive = ew_q15_scale(ew_q15_inverse(ew_q15_exp(a > 0 ? -a : a, bits)), 1);
  return a > 0 ? positive : 32767 - positive;
}

EW_INLINE int32_t ew_q15_tanh(int32_t a, int32_t bits) {
  if (a == 0) return 0;
  const int32_t power = ew_q15_exp(a > 0 ? -a : a, bits + 1);
  const int32_t positive = ew_q15_scale(ew_q15_inverse(power) - (1 << 13), 2);
  return a > 0 ? positive : -positive;
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
  for (int32_t u = 0; u < units; ++u) {
    const int32_t i = ew_q15_sigmoid(gates[u], 3), f = ew_q15_sigmoid(gates[units + u], 3);
    const int32_t g = ew_q15_tanh(gates[2 * units + u], 3);
    const int32_t o = ew_q15_sigmoid(gates[3 * units + u], 3);
    const int32_t kept = (int16_t)ew_shift_round_i32(f * c[u], 15);
    const int32_t added = (int16_t)ew_shift_round_i32(i * g, 15 + q.cell_bits);
    int32_t cell = ew_saturate_16(kept + added);
    if (q.clip > 0) cell = ew_clamp_i32(cell, -q.clip, q.clip);
    c[u] = (int16_t)cell;
    const int32_t product = o * ew_q15_tanh(cell, q.cell_bits);
    const int32_t hidden = ew_multiply_i32(product, q.h_factor[0], q.h_factor[1]) + q.h_zero;
    y[u] = h[u] = (int8_t)ew_clamp_i32(hidden, -128, 127);
  }
}

#endif
