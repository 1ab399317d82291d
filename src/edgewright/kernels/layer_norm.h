/* Layer normalisation of rows, while they are in the first-level cache. */
#ifndef EW_LAYER_NORM_H
#define EW_LAYER_NORM_H
#include "math.h"

/* The last lanes of a row less its mean; those beyond the row are 0. */
EW_INLINE ew_f32x16 ew_layer_norm_rest(const float *x, ew_f32x16 mean, int n) {
  float rest[16];
  ew_f32_store(rest, ew_f32_sub(ew_f32_load_n(x, n), mean));
  return ew_f32_load_n(rest, n);
}

EW_INLINE float ew_layer_norm_total(const ew_f32x16 sums[4]) {
  return ew_f32_sum(ew_f32_add(ew_f32_add(sums[0], sums[1]), ew_f32_add(sums[2], sums[3])));
}

/* Four partial sums at a time: they neither wait for each other nor round as a single one would. */
EW_INLINE float ew_layer_norm_mean(const float *x, int32_t n) {
  ew_f32x16 sums[4];
  EW_UNROLL for (int j = 0; j < 4; ++j) sums[j] = ew_f32_dup(0.0f);
  int32_t i = 0;
  for (; i + 64 <= n; i += 64)
    EW_UNROLL for (int j = 0; j < 4; ++j)
      sums[j] = ew_f32_add(sums[j], ew_f32_load(x + i + 16 * j));
  for (; i < n; i += 16)
    sums[0] = ew_f32_add(sums[0], ew_f32_load_n(x + i, ew_min_i32(n - i, 16)));
  return ew_layer_norm_total(sums) / (float)n;
}

EW_INLINE float ew_layer_norm_variance(const float *x, int32_t n, float about) {
  const ew_f32x16 mean = ew_f32_dup(about);
  ew_f32x16 sums[4];
  EW_UNROLL for (int j = 0; j < 4; ++j) sums[j] = ew_f32_dup(0.0f);
  int32_t i = 0;
  for (; i + 64 <= n; i += 64)
    EW_UNROLL for (int j = 0; j < 4; ++j) {
      const ew_f32x16 from = ew_f32_sub(ew_f32_load(x + i + 16 * j), mean);
      sums[j] = ew_fma(from, from, sums[j]);
    }
  for (; i < n; i += 16) {
    const ew_f32x16 from = ew_layer_norm_rest(x + i, mean, ew_min_i32(n - i, 16));
    sums[0] = ew_fma(from, from, sums[0]);
  }
  return ew_layer_norm_total(sums) / (float)n;
}

/* y = (x - mean) / sqrt(variance + epsilon) * scale + bias, row by row; x, y [rows, columns]; scale
   and bias [columns]. y may be x. */
EW_KERNEL void ew_layer_norm_f32(const float *x, const float *scale, const float *bias, float *y,
                                 int32_t rows, int32_t columns, float epsilon) {
  for (int32_t r = 0; r < rows; ++r, x += columns, y += columns) {
    const float about = ew_layer_norm_mean(x, columns);
    const float variance = ew_layer_norm_variance(x, columns, about);
    const ew_f32x16 mean = ew_f32_dup(about), by = ew_f32_rsqrt(ew_f32_dup(variance + epsilon));
    for (int32_t i = 0; i < columns; i += 16) {
      const int n = ew_min_i32(columns - i, 16);
      const ew_f32x16 plain = ew_f32_mul(ew_f32_sub(ew_f32_load_n(x + i, n), mean), by);
      const ew_f32x16 v = ew_fma(plain, ew_f32_load_n(scale + i, n), ew_f32_load_n(bias + i, n));
      ew_f32_store_n(y + i, v, n);
    }
  }
}

#endif
