/* Tiles for cores with Helium (Cortex-M55, M85): VMLADAVA adds sixteen products to a register. */
#ifndef EW_SIMD_MVE_H
#define EW_SIMD_MVE_H

#define EW_LEAN_ROWS 3
#define EW_LEAN_CHANNELS 8
#define EW_LEAN_SPREAD 0
typedef int8_t ew_lean_x;

/* acc [3 rows][2 columns] = rows times columns; depth is a multiple of 16, w [depth / 16][2][16].
   Six sums are the most that fit: they take even registers, and the loop its counter. */
#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
EW_KERNEL void ew_lean_dot_three(const ew_lean_x *x, const ew_lean_x *y, const ew_lean_x *z,
                                 const int8_t *w, int32_t depth, int32_t *acc) {
  int32_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0;
  for (int32_t k = 0; k < depth; k += 16, w += 32, x += 16, y += 16, z += 16) {
    const int8x16_t first = vldrbq_s8(w), second = vldrbq_s8(w + 16);
    int8x16_t row = vldrbq_s8(x);
    a = vmladavaq_s8(a, row, first);
    b = vmladavaq_s8(b, row, second);
    row = vldrbq_s8(y);
    c = vmladavaq_s8(c, row, first);
    d = vmladavaq_s8(d, row, second);
    row = vldrbq_s8(z);
    e = vmladavaq_s8(e, row, first);
    f = vmladavaq_s8(f, row, second);
  }
  acc[0] = a, acc[1] = b, acc[2] = c, acc[3] = d, acc[4] = e, acc[5] = f;
}

EW_KERNEL void ew_lean_dot_row(const ew_lean_x *x, const int8_t *w, int32_t depth, int32_t *acc) {
  int32_t a = 0, b = 0;
  for (int32_t k = 0; k < depth; k += 16, w += 32, x += 16) {
    const int8x16_t row = vldrbq_s8(x);
    a = vmladavaq_s8(a, row, vldrbq_s8(w));
    b = vmladavaq_s8(b, row, vldrbq_s8(w + 16));
  }
  acc[0] = a, acc[1] = b;
}

/* acc [8 channels] += taps of a window: `taps` pixels of x that lie `step` elements apart. */
EW_INLINE const int16_t *ew_lean_taps(const ew_lean_x *x, int32_t step, int32_t taps,
                                      const int16_t *w, int32_t *acc) {
  int32x4x2_t sums = vld2q_s32(acc);
  do {
    const int16x8_t v = vldrbq_s16(x), by = vldrhq_s16(w);
    sums.val[0] = vaddq_s32(sums.val[0], vmullbq_int_s16(v, by));
    sums.val[1] = vaddq_s32(sums.val[1], vmulltq_int_s16(v, by));
    x += step;
    w += 8;
  } while (--taps > 0);
  vst2q_s32(acc, sums);
  return w;
}
#else /* the same in C: tests run it on any machine */
EW_KERNEL void ew_lean_dot_row(const ew_lean_x *x, const int8_t *w, int32_t depth, int32_t *acc) {
  acc[0] = acc[1] = 0;
  for (int32_t k = 0; k < depth; ++k)
    for (int i = 0; i < 2; ++i) acc[i] += x[k] * w[(k / 16 * 2 + i) * 16 + k % 16];
}
EW_KERNEL void ew_lean_dot_three(const ew_lean_x *x, const ew_lean_x *y, const ew_lean_x *z,
                                 const int8_t *w, int32_t depth, int32_t *acc) {
  ew_lean_dot_row(x, w, depth, acc);
  ew_lean_dot_row(y, w, depth, acc + 2);
  ew_lean_dot_row(z, w, depth, acc + 4);
}
EW_INLINE const int16_t *ew_lean_taps(const ew_lean_x *x, int32_t step, int32_t taps,
                                      const int16_t *w, int32_t *acc) {
  for (; taps > 0; --taps, x += step, w += 8)
    for (int i = 0; i < 8; ++i) acc[i] += x[i] * w[i];
  return w;
}
#endif
EW_INLINE void ew_lean_dot_rows(const ew_lean_x *const *rows, const int8_t *w, int32_t depth,
                                int32_t *acc) {
  ew_lean_dot_three(rows[0], rows[1], rows[2], w, depth, acc);
}

#endif
