/* 8-bit layers on microcontrollers: no vectors of sixteen and no table of pointers, but a tile of
   two columns by as many rows as the core has registers for, and sums that are finished one by one.

   EW_LEAN_STEP, a fact of the target (`Target.lean_step`), is how many numbers a multiplication
   takes at once; the weights are packed for it. Activations are signed: the highest bit of unsigned
   ones is inverted (`flip`) when they are copied. */
#ifndef EW_LEAN_H
#define EW_LEAN_H
#include "conv_rows.h"

/* Generated code states it; by itself a header is that of cores without such instructions. */
#if !defined(EW_LEAN_STEP)
#define EW_LEAN_STEP 1
#endif

enum { EW_LEAN_FLOAT = 0, EW_LEAN_FIXED = 1, EW_LEAN_ONCE = 2 };
enum { EW_LEAN_CHUNK = 16 }; /* channels whose sums are finished together */

/* `pack_q8_params` in ops/packing.py writes it; requantize.h says what each number is. */
typedef struct ew_lean_params {
  int32_t x_zero, y_zero, lo, hi, x_sum_multiplier, skip_zero, sum_zero, sum_lo, sum_hi;
  int32_t y_factor[2], skip_factor[2], sum_factor[2];
} ew_lean_params;

/* What finishing the sums of a layer takes beside its channels. */
typedef struct ew_lean_layer {
  const ew_lean_params *params;
  int32_t flip; /* 0x80 for uint8, else 0 */
} ew_lean_layer;

/* v * factor, rounded once, halves away from zero (EW_REQUANT_ONCE in requantize.h). */
EW_INLINE int32_t ew_lean_multiply_once(int32_t v, int32_t multiplier, int32_t right) {
  const int bits = 31 + right;
  const int64_t product = (int64_t)v * multiplier;
  return (int32_t)((product + ((int64_t)1 << (bits - 1)) - (product < 0)) >> bits);
}

/* ew_mul_high_i32 within +-2^30: a factor of 2^30 or more has made what lies beyond from such a sum
   that it exceeds every limit, after the shifts below. */
#if defined(__ARM_FEATURE_DSP)
EW_INLINE int32_t ew_lean_mul_high(int32_t v, int32_t multiplier) {
  int32_t r;
  __asm__("qadd %0, %1, %1\n\tsmmulr %0, %0, %2" : "=&r"(r) : "r"(v), "r"(multiplier));
  return r;
}
#else
EW_INLINE int32_t ew_lean_mul_high(int32_t v, int32_t multiplier) {
  return ew_clamp_i32(ew_mul_high_i32(v, multiplier), -(1 << 30), (1 << 30) - 1);
}
#endif

/* ew_multiply_i32, for what is limited to 9 bits afterwards; `right` is -shift. With the shifts that
   occur it takes one branch and no mask. */
EW_KERNEL int32_t ew_lean_multiply_rare(int32_t v, int32_t multiplier, int32_t right) {
  return ew_multiply_i32(v, multiplier, -right);
}
EW_INLINE int32_t ew_lean_multiply(int32_t v, int32_t multiplier, int32_t right) {
  if ((uint32_t)(right - 1) > 20) return ew_lean_multiply_rare(v, multiplier, right);
  const int32_t high = ew_lean_mul_high(v, multiplier);
  return (high + ((1 << right) >> 1) + (high >> 31)) >> right;
}

/* Half to even, of a number that has been limited to 10 bits: 1.5 * 2^23 leaves no fraction. */
EW_INLINE int32_t ew_lean_round(float v) {
  const float big = 12582912.0f;
  return ew_bits_of_float(v + big) - ew_bits_of_float(big);
}

/* A sum, its bias added, to its 8-bit value less y_zero. */
EW_INLINE int32_t ew_lean_requantize(int32_t sum, int32_t multiplier, int32_t right, int32_t lo,
                                     int32_t hi, const int mode) {
  if (mode == EW_LEAN_FLOAT) {
    const float v = (float)sum * ew_float_of_bits(multiplier);
    const float limited = v < (float)lo ? (float)lo : v > (float)hi ? (float)hi : v;
    return ew_lean_round(limited);
  }
  const int32_t v = mode == EW_LEAN_ONCE ? ew_lean_multiply_once(sum, multiplier, right)
                                         : ew_lean_multiply(sum, multiplier, right);
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
  } else { /* far below 2^30, so that the sum of both is exact */
    const int32_t a = ew_lean_multiply(y * (1 << 20), p->y_factor[0], -p->y_factor[1]);
    const int32_t b = ew_lean_multiply(skip * (1 << 20), p->skip_factor[0], -p->skip_factor[1]);
    sum = ew_lean_multiply(ew_add_wrap(a, b), p->sum_factor[0], -p->sum_factor[1]);
  }
  return ew_clamp_i32(sum, p->sum_lo - p->sum_zero, p->sum_hi - p->sum_zero) + p->sum_zero;
}

/* Each file is included in one place only: model.c holds every header once. */
#if EW_LEAN_STEP == 16
#include "simd/mve.h"
#elif EW_LEAN_STEP == 4
#include "simd/dsp.h"
#else
#include "simd/plain.h"
#endif

/* Finishes the sums of up to EW_LEAN_CHUNK channels; skip, or null, is laid out as y. Channels are
   in blocks of EW_LEAN_TOGETHER: biases, then multipliers (or scales), then shifts to the right. */
typedef void ew_lean_finish(const ew_lean_layer *t, const int32_t *sums, int32_t n,
                            const int32_t *channels, const uint8_t *skip, uint8_t *y);

EW_INLINE void ew_lean_finish_each(const ew_lean_layer *t, const int32_t *sums, int32_t n,
                                   const int32_t *channels, const uint8_t *skip, uint8_t *y,
                                   const int whole, const int mode) {
  const ew_lean_params *const p = t->params;
  const int32_t zero = p->y_zero;
  /* The range of int8 is a constant: limiting to it takes one instruction. */
  const int32_t lo = whole ? -128 - zero : p->lo - zero, hi = whole ? 127 - zero : p->hi - zero;
  const int32_t *const end = sums + n;
  EW_ROLLED for (int32_t lane = 0; sums != end; ++sums) {
    const int32_t multiplier = channels[EW_LEAN_TOGETHER];
    const int32_t right = channels[2 * EW_LEAN_TOGETHER];
    const int32_t sum = ew_add_wrap(*sums, channels[0]);
    int32_t v;
    if (whole && mode == EW_LEAN_FIXED)
      v = ew_clamp_i32(ew_lean_multiply(sum, multiplier, right) + zero, -128, 127);
    else
      v = ew_lean_requantize(sum, multiplier, right, lo, hi, mode) + zero;
    if (skip) {
      const int32_t other = (int8_t)(*skip++ ^ t->flip) + t->flip - p->skip_zero;
      v = ew_lean_add_skip(v - zero, other, p, mode);
    }
    *y++ = (uint8_t)v;
    lane = (lane + 1) % EW_LEAN_TOGETHER;
    channels += lane ? 1 : 2 * EW_LEAN_TOGETHER + 1;
  }
}
#if !defined(EW_LEAN_HAS_VECTORS)
#define ew_lean_finish_vectors ew_lean_finish_each
#endif
#define EW_LEAN_FINISH(name, finish, mode) \
  EW_KERNEL void name(const ew_lean_layer *t, const int32_t *sums, int32_t n, \
                      const int32_t *channels, const uint8_t *skip, uint8_t *y) { \
    const int whole = t->params->lo == -128 && t->params->hi == 127; \
    if (skip) finish(t, sums, n, channels, skip, y, 0, mode); \
    else if (whole) finish(t, sums, n, channels, (const uint8_t *)0, y, 1, mode); \
    else finish(t, sums, n, channels, (const uint8_t *)0, y, 0, mode); \
  }
EW_LEAN_FINISH(ew_lean_float, ew_lean_finish_vectors, EW_LEAN_FLOAT)
EW_LEAN_FINISH(ew_lean_fixed, ew_lean_finish_vectors, EW_LEAN_FIXED)
EW_LEAN_FINISH(ew_lean_once, ew_lean_finish_each, EW_LEAN_ONCE)

#endif
