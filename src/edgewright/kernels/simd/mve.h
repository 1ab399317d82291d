/* Tiles for cores with Helium (Cortex-M55, M85): VMLADAVA adds sixteen products to a register. */
#ifndef EW_SIMD_MVE_H
#define EW_SIMD_MVE_H

#define EW_LEAN_ROWS 3
#define EW_LEAN_CHANNELS 8
#define EW_LEAN_TOGETHER 4
#define EW_LEAN_SPREAD 0
typedef int8_t ew_lean_x;

/* acc [3 rows][16], of which 2 columns, = rows times columns; depth is a multiple of 16,
   w [depth / 16][2][16].
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
  acc[0] = a, acc[1] = b, acc[16] = c, acc[17] = d, acc[32] = e, acc[33] = f;
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

/* acc [8 channels] = the taps of a window of rows x columns, which starts `at` numbers into each row
   and whose columns lie `step` apart; returns the weights that follow. */
EW_INLINE const int16_t *ew_lean_taps(const ew_lean_x *const *from, int32_t at, int32_t step,
                                      int32_t rows, int32_t columns, const int16_t *w,
                                      int32_t *acc) {
  int32x4x2_t sums = {{vdupq_n_s32(0), vdupq_n_s32(0)}};
  for (int32_t ky = 0; ky < rows; ++ky) {
    const ew_lean_x *x = from[ky] + at;
    for (int32_t kx = 0; kx < columns; ++kx, x += step, w += 8) {
      const int16x8_t v = vldrbq_s16(x), by = vldrhq_s16(w);
      sums.val[0] = vaddq_s32(sums.val[0], vmullbq_int_s16(v, by));
      sums.val[1] = vaddq_s32(sums.val[1], vmulltq_int_s16(v, by));
    }
  }
  vst2q_s32(acc, sums);
  return w;
}

/* The same for several blocks of channels, which lie `block` numbers apart, and windows of 3 x 3 that
   lie together: 72 products in 52 instructions, and a few to get to the next block. */
#define EW_LEAN_HAS_THREE
#define EW_MVE_TAP(row, column) { \
    const int16x8_t v = vldrbq_s16(row + 8 * (column)), by = vldrhq_s16(w); \
    w += 8; \
    sums.val[0] = vaddq_s32(sums.val[0], vmullbq_int_s16(v, by)); \
    sums.val[1] = vaddq_s32(sums.val[1], vmulltq_int_s16(v, by)); \
  }
EW_INLINE const int16_t *ew_lean_taps_three(const ew_lean_x *const *rows, int32_t at, int32_t block,
                                            int32_t blocks, const int16_t *w, int32_t *acc) {
  const ew_lean_x *x = rows[0] + at, *y = rows[1] + at, *z = rows[2] + at;
  EW_ROLLED for (int32_t b = 0; b < blocks; ++b, acc += 8, x += block, y += block, z += block) {
    const int16x8_t v = vldrbq_s16(x), by = vldrhq_s16(w);
    int32x4x2_t sums = {{vmullbq_int_s16(v, by), vmulltq_int_s16(v, by)}};
    w += 8;
    EW_MVE_TAP(x, 1) EW_MVE_TAP(x, 2)
    EW_MVE_TAP(y, 0) EW_MVE_TAP(y, 1) EW_MVE_TAP(y, 2)
    EW_MVE_TAP(z, 0) EW_MVE_TAP(z, 1) EW_MVE_TAP(z, 2)
    vst2q_s32(acc, sums);
  }
  return w;
}

/* ew_multiply_i32: VRSHL rounds halves up, so negative numbers lose one first. */
EW_INLINE int32x4_t ew_mve_multiply(int32x4_t v, int32x4_t multiplier, int32x4_t shift) {
  const int32x4_t zero = vdupq_n_s32(0), right = vminq_s32(shift, zero);
  const int32x4_t high = vqrdmulhq_s32(vshlq_s32(v, vmaxq_s32(shift, zero)), multiplier);
  return vrshlq_s32(vqaddq_s32(high, vshrq_n_s32(vandq_s32(high, right), 31)), right);
}
EW_INLINE int32x4_t ew_mve_multiply_by(int32x4_t v, const int32_t factor[2]) {
  return ew_mve_multiply(v, vdupq_n_s32(factor[0]), vdupq_n_s32(factor[1]));
}
EW_INLINE int32x4_t ew_mve_clamp(int32x4_t v, int32_t lo, int32_t hi) {
  return vminq_s32(vmaxq_s32(v, vdupq_n_s32(lo)), vdupq_n_s32(hi));
}

/* ew_lean_add_skip. */
EW_INLINE int32x4_t ew_mve_add_skip(int32x4_t y, int32x4_t skip, const ew_lean_params *p,
                                    const int mode) {
  int32x4_t sum;
  if (mode == EW_LEAN_FLOAT) {
    const int32_t shift = p->sum_factor[1];
    sum = vaddq_s32(vmulq_n_s32(y, p->y_factor[0]), vmulq_n_s32(skip, p->skip_factor[0]));
    sum = vaddq_n_s32(sum, (int32_t)(1u << (shift - 1)));
    sum = vshlq_s32(sum, vdupq_n_s32(-shift));
  } else {
    const int32x4_t a = ew_mve_multiply_by(vshlq_n_s32(y, 20), p->y_factor);
    const int32x4_t b = ew_mve_multiply_by(vshlq_n_s32(skip, 20), p->skip_factor);
    sum = ew_mve_multiply_by(vaddq_s32(a, b), p->sum_factor);
  }
  sum = ew_mve_clamp(sum, p->sum_lo - p->sum_zero, p->sum_hi - p->sum_zero);
  return vaddq_n_s32(sum, p->sum_zero);
}

/* Four channels at once. */
#define EW_LEAN_HAS_VECTORS
EW_INLINE void ew_lean_finish_vectors(const ew_lean_layer *t, const int32_t *sums, int32_t n,
                                      const int32_t *channels, const uint8_t *skip, uint8_t *y,
                                      const int whole, const int mode) {
  (void)whole;
  const ew_lean_params *const p = t->params;
  const int32_t zero = p->y_zero, lo = p->lo - zero, hi = p->hi - zero;
  for (int32_t i = 0; i < n; i += 4, channels += 12) {
    const mve_pred16_t lanes = vctp32q((uint32_t)(n - i));
    const int32x4_t sum = vaddq_s32(vldrwq_s32(sums + i), vldrwq_s32(channels));
    const int32x4_t factor = vldrwq_s32(channels + 4);
    int32x4_t v;
    if (mode == EW_LEAN_FLOAT) {
      float32x4_t real = vmulq_f32(vcvtq_f32_s32(sum), vreinterpretq_f32_s32(factor));
      real = vmaxnmq_f32(vminnmq_f32(real, vdupq_n_f32((float)hi)), vdupq_n_f32((float)lo));
      v = vcvtnq_s32_f32(real);
    } else {
      v = ew_mve_clamp(ew_mve_multiply(sum, factor, vnegq_s32(vldrwq_s32(channels + 8))), lo, hi);
    }
    if (skip) {
      const int32x4_t other = t->flip ? vreinterpretq_s32_u32(vldrbq_z_u32(skip + i, lanes))
                                      : vldrbq_z_s32((const int8_t *)skip + i, lanes);
      v = ew_mve_add_skip(v, vsubq_n_s32(other, p->skip_zero), p, mode);
    } else {
      v = vaddq_n_s32(v, zero);
    }
    vstrbq_p_s32((int8_t *)y + i, v, lanes);
  }
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
  ew_lean_dot_row(y, w, depth, acc + 16);
  ew_lean_dot_row(z, w, depth, acc + 32);
}
EW_INLINE const int16_t *ew_lean_taps(const ew_lean_x *const *from, int32_t at, int32_t step,
                                      int32_t rows, int32_t columns, const int16_t *w,
                                      int32_t *acc) {
  for (int i = 0; i < 8; ++i) acc[i] = 0;
  for (int32_t ky = 0; ky < rows; ++ky)
    for (int32_t kx = 0; kx < columns; ++kx, w += 8)
      for (int i = 0; i < 8; ++i) acc[i] += from[ky][at + kx * step + i] * w[i];
  return w;
}
#endif
EW_INLINE void ew_lean_dot_rows(const ew_lean_x *const *rows, const int8_t *w, int32_t depth,
                                int32_t *acc) {
  ew_lean_dot_three(rows[0], rows[1], rows[2], w, depth, acc);
}

/* Where a block of the ring of a depthwise convolution has channel c; copies n channels of a pixel to
   blocks that lie `block` numbers apart. */
EW_INLINE int32_t ew_lean_lane(int32_t c) { return c; }
EW_INLINE void ew_lean_line_copy(const uint8_t *from, int32_t n, int32_t flip, int32_t block,
                                 ew_lean_x *to) {
  const uint64_t flips = (uint64_t)(uint32_t)flip * 0x0101010101010101u;
  for (int32_t i = 0; i < n; i += 8, to += block) {
    uint64_t eight;
    __builtin_memcpy(&eight, from + i, 8);
    eight ^= flips;
    __builtin_memcpy(to, &eight, 8);
  }
}

#endif
