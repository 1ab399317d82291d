/* 8-bit layers on microcontrollers: no vectors of sixteen and no table of pointers, but a tile of
   two columns by as many rows as the core has registers for, and sums that are finished one by one.

   EW_LEAN_STEP, a fact of the target (`Target.lean_step`), is how many numbers a multiplication
   takes at once; the weights are packed for it. Activations are signed: the highest bit of unsigned
   ones is inverted (`flip`) when they are copied. */
#ifndef EW_LEAN_H
#define EW_LEAN_H
#include "conv_rows.h"

/* Each file is included in one place only: model.c holds every header once. */
#if EW_LEAN_STEP == 16
#include "simd/mve.h"
#elif EW_LEAN_STEP == 4
#include "simd/dsp.h"
#else
#include "simd/plain.h"
#endif

enum { EW_LEAN_FLOAT = 0, EW_LEAN_FIXED = 1, EW_LEAN_ONCE = 2 };

/* `pack_q8_params` in ops/packing.py writes it; requantize.h says what each number is. */
typedef struct ew_lean_params {
  int32_t x_zero, y_zero, lo, hi, x_sum_multiplier, skip_zero, sum_zero, sum_lo, sum_hi;
  int32_t y_factor[2], skip_factor[2], sum_factor[2];
} ew_lean_params;

/* v * factor, rounded once, halves away from zero (EW_REQUANT_ONCE in requantize.h). */
EW_INLINE int32_t ew_lean_multiply_once(int32_t v, int32_t multiplier, int32_t shift) {
  const int bits = 31 - shift;
  const int64_t product = (int64_t)v * multiplier;
  return (int32_t)((product + ((int64_t)1 << (bits - 1)) - (product < 0)) >> bits);
}

/* Half to even, of a number that has been limited to 10 bits: 1.5 * 2^23 leaves no fraction. */
EW_INLINE int32_t ew_lean_round(float v) {
  const float big = 12582912.0f;
  return ew_bits_of_float(v + big) - ew_bits_of_float(big);
}

/* A sum to its 8-bit value less y_zero; channel holds bias, multiplier (or scale), shift. */
EW_INLINE int32_t ew_lean_requantize(int32_t acc, const int32_t *channel, int32_t lo, int32_t hi,
                                     const int mode) {
  const int32_t sum = ew_add_wrap(acc, channel[0]);
  if (mode == EW_LEAN_FLOAT) {
    const float v = (float)sum * ew_float_of_bits(channel[1]);
    const float limited = v < (float)lo ? (float)lo : v > (float)hi ? (float)hi : v;
    return ew_lean_round(limited);
  }
  const int32_t v = mode == EW_LEAN_ONCE ? ew_lean_multiply_once(sum, channel[1], channel[2])
                                         : ew_multiply_i32(sum, channel[1], channel[2]);
  return ew_clamp_i32(v, lo, hi);
}

/* The quantised sum of a residual and a layer's result (both less their zero points). */
EW_INLINE int32_t ew_lean_add_skip(int32_t y, int32_t skip, const ew_lean_params *p,
                                   const int mode) {
  int32_t sum;
  if (mode == EW_LEAN_FLOAT) {
    const int32_t shift = p->sum_factor[1];
    sum = ew_add_wrap(y * p->y_factor[0], skip * p->skip_factor[0]);
    sum = ew_add_wrap(sum, (int32_t)(1u << (shift - 1))) >> shift;
  } else {
    const int32_t a = ew_multiply_i32(ew_shl_wrap(y, 20), p->y_factor[0], p->y_factor[1]);
    const int32_t b = ew_multiply_i32(ew_shl_wrap(skip, 20), p->skip_factor[0], p->skip_factor[1]);
    sum = ew_multiply_i32(ew_add_wrap(a, b), p->sum_factor[0], p->sum_factor[1]);
  }
  return ew_clamp_i32(sum, p->sum_lo - p->sum_zero, p->sum_hi - p->sum_zero) + p->sum_zero;
}

/* Finishes one sum; skip, or null, is laid out as y. */
EW_INLINE void ew_lean_finish(int32_t acc, const int32_t *channel, const ew_lean_params *p,
                              int32_t flip, const uint8_t *skip, uint8_t *y, const int mode) {
  int32_t v = ew_lean_requantize(acc, channel, p->lo - p->y_zero, p->hi - p->y_zero, mode);
  if (skip) {
    const int32_t other = (int8_t)(*skip ^ flip) + flip;
    v = ew_lean_add_skip(v, other - p->skip_zero, p, mode);
  } else {
    v += p->y_zero;
  }
  *y = (uint8_t)v;
}

/* All columns of a few rows; what a layer's tiles have in common. */
typedef struct ew_lean_tile {
  const int8_t *w;         /* pairs of columns, one after the other */
  const int32_t *channels; /* [columns][3]: bias, multiplier or scale, shift */
  const ew_lean_params *params;
  int32_t columns, padded; /* padded: numbers in a row, a multiple of EW_LEAN_STEP */
  int32_t flip;            /* 0x80 for uint8, else 0 */
  int32_t y_row;           /* distance of two rows of y */
} ew_lean_tile;
typedef void ew_lean_run(const ew_lean_tile *t, const ew_lean_x *const *rows, const int32_t *sums,
                         int32_t m, const uint8_t *skip, uint8_t *y);

EW_INLINE void ew_lean_tile_body(const ew_lean_tile *t, const ew_lean_x *const *rows,
                                 const int32_t *sums, int32_t m, const uint8_t *skip, uint8_t *y,
                                 const int mode) {
  const int8_t *w = t->w;
  const int32_t *channel = t->channels;
  for (int32_t n = 0; n < t->columns; n += 2, w += 2 * t->padded) {
    int32_t acc[2 * EW_LEAN_ROWS];
    if (m == 1) ew_lean_dot_row(rows[0], w, t->padded, acc);
    else ew_lean_dot_rows(rows, w, t->padded, acc);
    for (int32_t j = 0; j < 2 && n + j < t->columns; ++j, channel += 3)
      EW_ROLLED for (int32_t i = 0; i < m; ++i) {
        const int32_t at = i * t->y_row + n + j;
        const int32_t more = sums ? ew_mul_wrap(sums[i], t->params->x_sum_multiplier) : 0;
        ew_lean_finish(ew_add_wrap(acc[2 * i + j], more), channel, t->params, t->flip,
                       skip ? skip + at : skip, y + at, mode);
      }
  }
}
#define EW_LEAN_TILE(name, mode) \
  EW_KERNEL void name(const ew_lean_tile *t, const ew_lean_x *const *rows, const int32_t *sums, \
                      int32_t m, const uint8_t *skip, uint8_t *y) { \
    ew_lean_tile_body(t, rows, sums, m, skip, y, mode); \
  }
EW_LEAN_TILE(ew_lean_tile_float, EW_LEAN_FLOAT)
EW_LEAN_TILE(ew_lean_tile_fixed, EW_LEAN_FIXED)
EW_LEAN_TILE(ew_lean_tile_once, EW_LEAN_ONCE)

#endif
