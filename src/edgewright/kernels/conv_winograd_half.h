/* Winograd's F(2x2, 3x3) with weights that are stored in 16 bits: they are transformed first. */
#ifndef EW_CONV_WINOGRAD_HALF_H
#define EW_CONV_WINOGRAD_HALF_H
#include "conv_winograd_f32.h"
#include "half.h"

/* G applied to three vectors. */
EW_INLINE void ew_winograd_taps(const ew_f32x16 w[3], ew_f32x16 to[4]) {
  const ew_f32x16 half = ew_f32_dup(0.5f);
  const ew_f32x16 ends = ew_f32_mul(ew_f32_add(w[0], w[2]), half), middle = ew_f32_mul(w[1], half);
  to[0] = w[0];
  to[1] = ew_f32_add(ends, middle);
  to[2] = ew_f32_sub(ends, middle);
  to[3] = w[2];
}

/* u [out_c / 16][16 positions][in_c][16] of w [out_c / 16][9][in_c][16]. */
EW_INLINE void ew_winograd_half(int32_t in_c, int32_t out_c, const uint16_t *w, float *u,
                                const int stored) {
  const ptrdiff_t step = (ptrdiff_t)in_c * 16;
  for (int32_t b = 0; b < out_c; b += 16, w += 9 * step, u += 16 * step)
    for (ptrdiff_t k = 0; k < step; k += 16) {
      ew_f32x16 rows[4][3];
      for (int x = 0; x < 3; ++x) {
        ew_f32x16 column[3], taps[4];
        EW_UNROLL for (int y = 0; y < 3; ++y)
          column[y] = ew_half_load(w + (3 * y + x) * step + k, stored);
        ew_winograd_taps(column, taps);
        EW_UNROLL for (int y = 0; y < 4; ++y) rows[y][x] = taps[y];
      }
      for (int y = 0; y < 4; ++y) {
        ew_f32x16 cells[4];
        ew_winograd_taps(rows[y], cells);
        EW_UNROLL for (int x = 0; x < 4; ++x) ew_f32_store(u + (4 * y + x) * step + k, cells[x]);
      }
    }
}
EW_KERNEL void ew_winograd_f16(int32_t in_c, int32_t out_c, const uint16_t *w, float *u) {
  ew_winograd_half(in_c, out_c, w, u, EW_STORED_F16);
}
EW_KERNEL void ew_winograd_bf16(int32_t in_c, int32_t out_c, const uint16_t *w, float *u) {
  ew_winograd_half(in_c, out_c, w, u, EW_STORED_BF16);
}

#endif
