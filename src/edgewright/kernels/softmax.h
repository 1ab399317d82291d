/* Softmax over rows of contiguous elements; y may be x. */
#ifndef EW_SOFTMAX_H
#define EW_SOFTMAX_H
#include "math.h"
#include "requantize.h"

/* The largest of a row; a NaN may or may not be seen. */
EW_INLINE float ew_row_top_f32(const float *x, int32_t n) {
  ew_f32x16 top = ew_f32_dup(x[0]);
  int32_t i = 0;
  for (; i + 16 <= n; i += 16) top = ew_f32_max(top, ew_f32_load(x + i));
  float largest = ew_f32_top(top);
  for (; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

/* y = exp(beta (x - top)); returns the sum. Lanes beyond the row are e^-inf = 0. */
EW_INLINE float ew_row_powers_f32(const float *x, float *y, int32_t n, float top, float beta) {
  const ew_f32x16 from = ew_f32_dup(top), factor = ew_f32_dup(beta);
  ew_f32x16 sum = ew_f32_dup(0.0f);
  int32_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const ew_f32x16 shifted = ew_f32_mul(ew_f32_sub(ew_f32_load(x + i), from), factor);
    const ew_f32x16 power = ew_f32_exp_negative(shifted);
    ew_f32_store(y + i, power);
    sum = ew_f32_add(sum, power);
  }
  float total = ew_f32_sum(sum);
  if (i < n) {
    float last[16];
    const ew_f32x16 shifted = ew_f32_mul(ew_f32_sub(ew_f32_load_n(x + i, n - i), from), factor);
    const ew_f32x16 power = ew_f32_exp_negative(shifted);
    ew_f32_store_n(y + i, power, n - i);
    ew_f32_store(last, power);
    for (int32_t k = 0; k < n - i; ++k) total += last[k];
  }
  return total;
}

EW_KERNEL void ew_softmax_f32(const float *x, float *y, int32_t rows, int32_t columns,
                              float beta) {
  for (int32_t r = 0; r < rows; ++r, x += columns, y += columns) {
    const float total = ew_row_powers_f32(x, y, columns, ew_row_top_f32(x, columns), beta);
    const ew_f32x16 factor = ew_f32_dup(1.0f / total);
    int32_t i = 0;
    for (; i + 16 <= columns; i += 16) ew_f32_store(y + i, ew_f32_mul(ew_f32_load(y + i), factor));
    for (; i < columns; ++i) y[i] *= 1.0f / total;
  }
}

/* The sum of exp(beta (x - top)) over a row. */
EW_INLINE float ew_row_power_sum_f32(const float *x, int32_t n, float top, float beta) {
  float powers[16];
  ew_f32x16 sum = ew_f32_dup(0.0f);
  for (int32_t i = 0; i < n; i += 16) {
    const ew_f32x16 shifted =
        ew_f32_sub(ew_f32_load_n(x + i, ew_min_i32(n - i, 16)), ew_f32_dup(top));
    ew_f32_store(powers, ew_f32_exp_negative(ew_f32_mul(shifted, ew_f32_dup(beta))));
    sum = ew_f32_add(sum, ew_f32_load_n(powers, ew_min_i32(n - i, 16)));
  }
  return ew_f32_sum(sum);
}

EW_KERNEL void ew_log_softmax_f32(const float *x, float *y, int32_t rows, int32_t columns,
                                  float beta) {
  for (int32_t r = 0; r < rows; ++r, x += columns, y += columns) {
    const float top = ew_row_top_f32(x, columns);
    float lanes[16];
    ew_f32_store(lanes, ew_f32_log(ew_f32_dup(ew_row_power_sum_f32(x, columns, top, beta))));
    const ew_f32x16 total = ew_f32_dup(lanes[0]);
    for (int32_t i = 0; i < columns; i += 16) {
      const int n = ew_min_i32(columns - i, 16);
      const ew_f32x16 shifted = ew_f32_sub(ew_f32_load_n(x + i, n), ew_f32_dup(top));
      ew_f32_store_n(y + i, ew_f32_sub(ew_f32_mul(shifted, ew_f32_dup(beta)), total), n);
    }
  }
}

#endif
