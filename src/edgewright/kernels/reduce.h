/* Reductions. A result row of `inner` contiguous elements is made of n0 * n1 * n2 input rows, whose
   starts are s0, s1 and s2 elements apart. */
#ifndef EW_REDUCE_H
#define EW_REDUCE_H
#include "requantize.h"

typedef struct ew_reduction {
  int32_t n0, n1, n2;
  ptrdiff_t s0, s1, s2;
  int32_t inner;
} ew_reduction;

/* A NaN in either operand is the result. */
EW_INLINE ew_f32x16 ew_reduce_larger(ew_f32x16 a, ew_f32x16 b) {
  return ew_f32_select(ew_f32_eq(a, a), ew_f32_max(a, b), a);
}
EW_INLINE ew_f32x16 ew_reduce_smaller(ew_f32x16 a, ew_f32x16 b) {
  return ew_f32_select(ew_f32_eq(a, a), ew_f32_min(a, b), a);
}

/* Columns: each lane reduces one of the inner elements. Long runs are combined in parts of 64, which
   keeps the rounding errors of sums small. `finish` sees `total`, and c and n say where. */
#define EW_REDUCE_COLUMNS(vector, load, start, combine, finish) \
  for (int32_t c = 0; c < s.inner; c += 16) { \
    const int n = ew_min_i32(s.inner - c, 16); \
    vector total = start; \
    for (int32_t i0 = 0; i0 < s.n0; ++i0) \
      for (int32_t i1 = 0; i1 < s.n1; ++i1) { \
        const ptrdiff_t at = i0 * s.s0 + i1 * s.s1 + c; \
        for (int32_t i2 = 0; i2 < s.n2; i2 += 64) { \
          vector part = start; \
          for (int32_t k = i2; k < ew_min_i32(s.n2, i2 + 64); ++k) \
            part = combine(part, load(x + at + k * s.s2, n)); \
          total = combine(total, part); \
        } \
      } \
    finish \
  }

EW_INLINE ew_f32x16 ew_reduce_load_f32(const float *p, int n) {
  return n < 16 ? ew_f32_load_n(p, n) : ew_f32_load(p);
}

/* A contiguous run of floats; lanes beyond its end hold `start`, which changes nothing. */
#define EW_REDUCE_RUN(name, start, combine) \
  EW_INLINE ew_f32x16 name(const float *x, int32_t count, ew_f32x16 total) { \
    for (int32_t i = 0; i < count; i += 1024) { \
      ew_f32x16 part = ew_f32_dup(start); \
      int32_t k = i; \
      for (; k + 16 <= ew_min_i32(count, i + 1024); k += 16) \
        part = combine(part, ew_f32_load(x + k)); \
      if (k < ew_min_i32(count, i + 1024)) { \
        float last[16]; \
        ew_f32_store(last, ew_f32_dup(start)); \
        for (int32_t j = 0; j < count - k; ++j) last[j] = x[k + j]; \
        part = combine(part, ew_f32_load(last)); \
      } \
      total = combine(total, part); \
    } \
    return total; \
  }

/* Sixteen lanes to one by the same rule. */
#define EW_REDUCE_LANES(name, combine) \
  EW_INLINE float name(ew_f32x16 total) { \
    float lanes[32] = {0}; \
    for (int step = 8; step > 0; step /= 2) { \
      ew_f32_store(lanes, total); \
      total = combine(total, ew_f32_load(lanes + step)); \
    } \
    ew_f32_store(lanes, total); \
    return lanes[0]; \
  }

#define EW_REDUCE_F32(kind, start, combine, parameter, last) \
  EW_REDUCE_RUN(ew_run_##kind##_f32, start, combine) \
  EW_REDUCE_LANES(ew_lanes_##kind##_f32, combine) \
  EW_KERNEL void ew_reduce_##kind##_f32(const float *x, float *y, const ew_reduction s, \
                                        float parameter) { \
    (void)parameter; \
    if (s.inner == 1 && s.s2 == 1) { \
      ew_f32x16 total = ew_f32_dup(start); \
      for (int32_t i0 = 0; i0 < s.n0; ++i0) \
        for (int32_t i1 = 0; i1 < s.n1; ++i1) \
          total = ew_run_##kind##_f32(x + i0 * s.s0 + i1 * s.s1, s.n2, total); \
      const ew_f32x16 whole = ew_f32_dup(ew_lanes_##kind##_f32(total)); \
      ew_f32_store_n(y, last(whole, parameter), 1); \
      return; \
    } \
    EW_REDUCE_COLUMNS(ew_f32x16, ew_reduce_load_f32, ew_f32_dup(start), combine, \
                      { ew_f32_store_n(y + c, last(total, parameter), n); }) \
  }
#define EW_REDUCE_PLAIN(v, parameter) (v)
#define EW_REDUCE_OVER(v, parameter) ew_f32_div(v, ew_f32_dup(parameter))
EW_REDUCE_F32(sum, 0.0f, ew_f32_add, unused, EW_REDUCE_PLAIN)
EW_REDUCE_F32(mean, 0.0f, ew_f32_add, count, EW_REDUCE_OVER)
EW_REDUCE_F32(prod, 1.0f, ew_f32_mul, unused, EW_REDUCE_PLAIN)
EW_REDUCE_F32(max, -EW_INFINITY, ew_reduce_larger, unused, EW_REDUCE_PLAIN)
EW_REDUCE_F32(min, EW_INFINITY, ew_reduce_smaller, unused, EW_REDUCE_PLAIN)

/* Quantised sums and means: (sum - offset) * factor + zero within [lo, hi]. numbers are offset, zero,
   lo, hi, then the factor's bits (mode float) or its multiplier and shift. */
EW_INLINE ew_i32x16 ew_reduce_finish(ew_i32x16 sum, const int32_t *numbers, const int mode) {
  const ew_i32x16 centred = ew_i32_sub(sum, ew_i32_dup(numbers[0]));
  const int32_t zero = numbers[1], lo = numbers[2] - zero, hi = numbers[3] - zero;
  if (mode == EW_REQUANT_FLOAT) {
    const ew_f32x16 scale = ew_f32_dup(ew_float_of_bits(numbers[4]));
    const ew_f32x16 real = ew_f32_mul(ew_f32_of_i32(centred), scale);
    return ew_i32_add(ew_round_within(real, lo, hi), ew_i32_dup(zero));
  }
  const ew_i32x16 v = ew_i32_max(ew_i32_multiply_by(centred, numbers + 4), ew_i32_dup(lo));
  return ew_i32_add(ew_i32_min(v, ew_i32_dup(hi)), ew_i32_dup(zero));
}

#define EW_REDUCE_SUM_Q(suffix, type) \
  EW_INLINE ew_i32x16 ew_reduce_load_##suffix(const type *p, int n) { \
    return n < 16 ? ew_i32_load_##suffix##_n(p, n) : ew_i32_load_##suffix(p); \
  } \
  EW_INLINE int32_t ew_run_sum_##suffix(const type *x, int32_t count) { \
    ew_i32x16 total = ew_i32_dup(0); \
    int32_t i = 0; \
    for (; i + 16 <= count; i += 16) total = ew_i32_add(total, ew_i32_load_##suffix(x + i)); \
    if (i < count) total = ew_i32_add(total, ew_i32_load_##suffix##_n(x + i, count - i)); \
    return ew_i32_sum(total); \
  } \
  EW_KERNEL void ew_reduce_sum_##suffix(const type *x, type *y, const ew_reduction s, \
                                        const int32_t *numbers, const int mode) { \
    if (s.inner == 1 && s.s2 == 1) { \
      int32_t total = 0; \
      for (int32_t i0 = 0; i0 < s.n0; ++i0) \
        for (int32_t i1 = 0; i1 < s.n1; ++i1) \
          total += ew_run_sum_##suffix(x + i0 * s.s0 + i1 * s.s1, s.n2); \
      ew_i32_store_##suffix##_n(y, ew_reduce_finish(ew_i32_dup(total), numbers, mode), 1); \
      return; \
    } \
    EW_REDUCE_COLUMNS(ew_i32x16, ew_reduce_load_##suffix, ew_i32_dup(0), ew_i32_add, { \
      ew_i32_store_##suffix##_n(y + c, ew_reduce_finish(total, numbers, mode), n); \
    }) \
  }
EW_REDUCE_SUM_Q(s8, int8_t)
EW_REDUCE_SUM_Q(u8, uint8_t)
EW_REDUCE_SUM_Q(s16, int16_t)

/* Integers that keep their type, element by element: `combine` is an expression of `total` and `v`,
   `last` one of `total` and `count`. */
#define EW_REDUCE_INT(name, type, wide, start, combine, last) \
  EW_KERNEL void name(const type *x, type *y, const ew_reduction s) { \
    const wide count = (wide)s.n0 * s.n1 * s.n2; \
    (void)count; \
    for (int32_t c = 0; c < s.inner; ++c) { \
      wide total = start; \
      for (int32_t i0 = 0; i0 < s.n0; ++i0) \
        for (int32_t i1 = 0; i1 < s.n1; ++i1) \
          for (int32_t i2 = 0; i2 < s.n2; ++i2) { \
            const wide v = x[i0 * s.s0 + i1 * s.s1 + i2 * s.s2 + c]; \
            total = (wide)(combine); \
          } \
      y[c] = (type)(last); \
    } \
  }

#endif
