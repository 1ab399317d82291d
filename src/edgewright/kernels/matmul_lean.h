/* Products of two 8-bit matrices that are both computed at run time, on microcontrollers. */
#ifndef EW_MATMUL_LEAN_H
#define EW_MATMUL_LEAN_H
#include "requantize.h"

/* y [rows, columns] from a [rows, inner] and b [inner, columns]; numbers are the zero points of a, b
   and y, lo, hi, and the factor: a scale as bits (mode float), or multiplier and shift. */
#define EW_MATMUL_LEAN(suffix, type) \
  EW_KERNEL void ew_matmul_lean_##suffix(const type *a, const type *b, type *y, int32_t rows, \
                                    int32_t inner, int32_t columns, const int32_t *numbers, \
                                    const int mode) { \
    int32_t q[7]; \
    __builtin_memcpy(q, numbers, sizeof q); \
    const int32_t lo = q[3] - q[2], hi = q[4] - q[2]; \
    for (int32_t r = 0; r < rows; ++r, a += inner) \
      for (int32_t c = 0; c < columns; c += 16) { \
        const int n = ew_min_i32(columns - c, 16); \
        ew_i32x16 sum = ew_i32_dup(0); \
        for (int32_t k = 0; k < inner; ++k) { \
          const type *row = b + (ptrdiff_t)k * columns + c; \
          const ew_i32x16 v = \
              n < 16 ? ew_i32_load_##suffix##_n(row, n) : ew_i32_load_##suffix(row); \
          const ew_i32x16 w = ew_i32_sub(v, ew_i32_dup(q[1])); \
          sum = ew_i32_add(sum, ew_i32_mul(w, ew_i32_dup(a[k] - q[0]))); \
        } \
        ew_i32x16 v; \
        if (mode == EW_REQUANT_FLOAT) { \
          const ew_f32x16 scale = ew_f32_dup(ew_float_of_bits(q[5])); \
          v = ew_round_within(ew_f32_mul(ew_f32_of_i32(sum), scale), lo, hi); \
        } else { \
          const ew_i32x16 scaled = ew_i32_max(ew_i32_multiply_by(sum, q + 5), ew_i32_dup(lo)); \
          v = ew_i32_min(scaled, ew_i32_dup(hi)); \
        } \
        type *to = y + (ptrdiff_t)r * columns + c; \
        ew_i32_store_##suffix##_n(to, ew_i32_add(v, ew_i32_dup(q[2])), n); \
      } \
  }
EW_MATMUL_LEAN(s8, int8_t)
EW_MATMUL_LEAN(u8, uint8_t)

#endif
