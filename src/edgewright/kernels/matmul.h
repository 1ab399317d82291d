/* Products of two matrices that are both computed at run time, row-major float32. */
#ifndef EW_MATMUL_H
#define EW_MATMUL_H
#include "simd.h"

/* Four rows of a times sixteen columns of b. */
EW_INLINE void ew_matmul_tile(const float *a, const float *b, float *y, int32_t inner,
                              int32_t columns, int rows, int n) {
  const ew_f32x16 zero = ew_f32_dup(0.0f);
  ew_f32x16 s0 = zero, s1 = zero, s2 = zero, s3 = zero;
  const float *a1 = rows > 1 ? a + inner : a, *a2 = rows > 2 ? a + 2 * (ptrdiff_t)inner : a;
  const float *a3 = rows > 3 ? a + 3 * (ptrdiff_t)inner : a;
  for (int32_t k = 0; k < inner; ++k, b += columns) {
    const ew_f32x16 row = n < 16 ? ew_f32_load_n(b, n) : ew_f32_load(b);
    s0 = ew_fma(ew_f32_dup(a[k]), row, s0);
    s1 = ew_fma(ew_f32_dup(a1[k]), row, s1);
    s2 = ew_fma(ew_f32_dup(a2[k]), row, s2);
    s3 = ew_fma(ew_f32_dup(a3[k]), row, s3);
  }
  ew_f32_store_n(y, s0, n);
  if (rows > 1) ew_f32_store_n(y + columns, s1, n);
  if (rows > 2) ew_f32_store_n(y + 2 * (ptrdiff_t)columns, s2, n);
  if (rows > 3) ew_f32_store_n(y + 3 * (ptrdiff_t)columns, s3, n);
}

/* y [rows, columns] = a [rows, inner] b [inner, columns]. */
EW_KERNEL void ew_matmul_f32(const float *a, const float *b, float *y, int32_t rows, int32_t inner,
                             int32_t columns) {
  for (int32_t c = 0; c < columns; c += 16) {
    const int n = ew_min_i32(columns - c, 16);
    for (int32_t r = 0; r < rows; r += 4)
      ew_matmul_tile(a + (ptrdiff_t)r * inner, b + c, y + (ptrdiff_t)r * columns + c, inner,
                     columns, ew_min_i32(rows - r, 4), n);
  }
}

#endif
