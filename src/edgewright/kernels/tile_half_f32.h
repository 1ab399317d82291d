/* Register tiles of the float32 matrix product whose last columns are eight or fewer: they take half
   a register, and half the time, where an ISA computes on both sizes. 24 columns are one and a half. */
#ifndef EW_TILE_HALF_F32_H
#define EW_TILE_HALF_F32_H
#include "tile_f32.h"
#if defined(EW_F32_HALVES)

/* Adds all products to the sums, of sixteen columns (`whole`) and the eight or fewer behind. */
EW_INLINE void ew_tile_half_sum(const ew_tile_f32 *t, const int rows, const int whole,
                                ew_f32x16 acc[EW_F32_ROWS], ew_f32x8 last[EW_F32_ROWS]) {
  const float *const half = t->w + whole * t->w_block;
  for (int32_t tap = 0; tap < t->taps; ++tap) {
    const float *x[EW_F32_ROWS];
    const ptrdiff_t at = (ptrdiff_t)tap * t->depth * 16;
    EW_UNROLL for (int i = 0; i < rows; ++i) x[i] = t->rows[tap * EW_F32_ROWS + i];
    for (ptrdiff_t k = 0; k < t->depth; ++k) {
      const ew_f32x16 columns = whole ? ew_f32_load(t->w + at + 16 * k) : ew_f32_dup(0.0f);
      const ew_f32x8 behind = ew_f32_half_load(half + at + 16 * k);
      EW_UNROLL for (int i = 0; i < rows; ++i) {
        const ew_f32x16 value = ew_f32_dup(x[i][k]);
        if (whole) acc[i] = ew_fma(value, columns, acc[i]);
        last[i] = ew_f32_half_fma(ew_f32_half_of(value), behind, last[i]);
      }
    }
  }
}

EW_INLINE void ew_tile_half_body(const ew_tile_f32 *tile, const int rows, const int whole) {
  const ew_tile_f32 copy = *tile; /* a store of results could change the original */
  const ew_tile_f32 *const t = &copy;
  const ew_f32x16 bias = ew_f32_load(t->bias);
  const ew_f32x8 behind = ew_f32_half_load(t->bias + 16 * whole);
  ew_f32x16 acc[EW_F32_ROWS];
  ew_f32x8 last[EW_F32_ROWS];
  EW_UNROLL for (int i = 0; i < rows; ++i) {
    acc[i] = bias;
    last[i] = behind;
  }
  ew_tile_half_sum(t, rows, whole, acc, last);
  EW_UNROLL for (int i = 0; i < rows; ++i) {
    if (i >= t->m) continue;
    if (whole) ew_tile_f32_store(t, i * t->y_row, acc[i], 16);
    ew_tile_f32_store(t, i * t->y_row + 16 * whole, ew_f32_whole_of(last[i]), t->n - 16 * whole);
  }
}

#define EW_TILE_HALF(name, rows, whole) \
  EW_KERNEL void name(const ew_tile_f32 *t) { ew_tile_half_body(t, rows, whole); }
EW_TILE_HALF(ew_tile_half_full, EW_F32_ROWS, 1)
EW_TILE_HALF(ew_tile_half_eight, 8, 1)
EW_TILE_HALF(ew_tile_half_six, EW_F32_ROWS / 2, 1)
EW_TILE_HALF(ew_tile_half_full_narrow, EW_F32_ROWS, 0)
EW_TILE_HALF(ew_tile_half_eight_narrow, 8, 0)

/* Whether the columns of a tile end with half a block. */
EW_INLINE int ew_tile_half_takes(const ew_tile_f32 *t) {
  return t->m > 1 && t->n <= 24 && (uint32_t)(t->n - 1) % 16 < 8;
}
EW_INLINE void ew_tile_half_run(const ew_tile_f32 *t) {
  const int narrow = t->n <= 8;
  if (t->m > 8) (narrow ? ew_tile_half_full_narrow : ew_tile_half_full)(t);
  else if (narrow) ew_tile_half_eight_narrow(t);
  else (t->m > EW_F32_ROWS / 2 ? ew_tile_half_eight : ew_tile_half_six)(t);
}

#else
EW_INLINE int ew_tile_half_takes(const ew_tile_f32 *t) { return 0 * t->n; }
EW_INLINE void ew_tile_half_run(const ew_tile_f32 *t) { ew_tile_f32_run(t); }
#endif
#endif
