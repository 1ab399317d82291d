/* Register tiles of the float32 matrix product whose last columns are eight or fewer: they take half
   a register and half the time, where an ISA computes on both sizes: 24 columns are one and a half. */
#ifndef EW_TILE_HALF_F32_H
#define EW_TILE_HALF_F32_H
#include "tile_f32.h"
#if defined(EW_F32_HALVES)

/* The sums of sixteen columns (`whole`), and of the eight or fewer behind. */
typedef struct ew_tile_half_sums {
  ew_f32x16 acc[EW_F32_ROWS];
  ew_f32x8 last[EW_F32_ROWS];
} ew_tile_half_sums;

/* Adds the products of elements [first, end) of one tap. */
EW_INLINE void ew_tile_half_tap(const ew_tile_f32 *t, int32_t tap, int32_t first, int32_t end,
                                const int rows, const int whole, ew_tile_half_sums *s) {
  const float *x[EW_F32_ROWS];
  const float *const w = t->w + ((ptrdiff_t)tap * t->depth + first) * 16;
  const float *const half = w + whole * t->w_block;
  EW_UNROLL for (int i = 0; i < rows; ++i)
    x[i] = (const float *)t->rows[tap * EW_F32_ROWS + i] + first;
  for (ptrdiff_t k = 0; k < end - first; ++k) {
    const ew_f32x16 columns = whole ? ew_f32_load(w + 16 * k) : ew_f32_dup(0.0f);
    const ew_f32x8 behind = ew_f32_half_load(half + 16 * k);
    EW_UNROLL for (int i = 0; i < rows; ++i) {
      const ew_f32x16 value = ew_f32_dup(x[i][k]);
      if (whole) s->acc[i] = ew_fma(value, columns, s->acc[i]);
      s->last[i] = ew_f32_half_fma(ew_f32_half_of(value), behind, s->last[i]);
    }
  }
}

/* Adds `held` to the sums if there is something in it. */
EW_INLINE void ew_tile_half_add(const float held[EW_F32_ROWS][32], int more, const int rows,
                                const int whole, ew_tile_half_sums *s) {
  EW_UNROLL for (int i = 0; more && i < rows; ++i) {
    if (whole) s->acc[i] = ew_f32_add(ew_f32_load(held[i]), s->acc[i]);
    s->last[i] = ew_f32_half_of(
        ew_f32_add(ew_f32_load(held[i] + 16), ew_f32_whole_of(s->last[i])));
  }
}

/* Moves the sums to `held`, with what is there already. */
EW_INLINE void ew_tile_half_hold(float held[EW_F32_ROWS][32], int more, const int rows,
                                 const int whole, ew_tile_half_sums *s) {
  const ew_f32x16 zero = ew_f32_dup(0.0f);
  ew_tile_half_add(held, more, rows, whole, s);
  EW_UNROLL for (int i = 0; i < rows; ++i) {
    if (whole) ew_f32_store(held[i], s->acc[i]);
    ew_f32_store(held[i] + 16, ew_f32_whole_of(s->last[i]));
    s->acc[i] = zero;
    s->last[i] = ew_f32_half_of(zero);
  }
}

/* All products, split where ew_tile_f32_sum splits them. */
EW_INLINE void ew_tile_half_sum(const ew_tile_f32 *t, const int rows, const int whole,
                                ew_tile_half_sums *s) {
  float held[EW_F32_ROWS][32];
  int32_t length = 0;
  int more = 0;
  for (int32_t tap = 0; tap < t->taps; ++tap)
    for (int32_t k = 0; k < t->depth; k += EW_F32_SUM) {
      const int32_t end = ew_min_i32(t->depth, k + EW_F32_SUM);
      if (length + end - k > EW_F32_SUM) {
        ew_tile_half_hold(held, more, rows, whole, s);
        more = 1;
        length = 0;
      }
      length += end - k;
      ew_tile_half_tap(t, tap, k, end, rows, whole, s);
    }
  ew_tile_half_add(held, more, rows, whole, s);
}

EW_INLINE void ew_tile_half_body(const ew_tile_f32 *tile, const int rows, const int whole) {
  const ew_tile_f32 copy = *tile; /* a store of results could change the original */
  const ew_tile_f32 *const t = &copy;
  const ew_f32x16 bias = ew_f32_load(t->bias);
  const ew_f32x8 behind = ew_f32_half_load(t->bias + 16 * whole);
  ew_tile_half_sums s;
  EW_UNROLL for (int i = 0; i < rows; ++i) {
    s.acc[i] = bias;
    s.last[i] = behind;
  }
  ew_tile_half_sum(t, rows, whole, &s);
  EW_UNROLL for (int i = 0; i < rows; ++i) {
    if (i >= t->m) continue;
    if (whole) ew_tile_f32_store(t, i * t->y_row, s.acc[i], 16);
    ew_tile_f32_store(t, i * t->y_row + 16 * whole, ew_f32_whole_of(s.last[i]), t->n - 16 * whole);
  }
}

#define EW_TILE_HALF(name, rows, whole) \
  EW_KERNEL void name(const ew_tile_f32 *t) { ew_tile_half_body(t, rows, whole); }
EW_TILE_HALF(ew_tile_half_full, EW_F32_ROWS, 1)
EW_TILE_HALF(ew_tile_half_eight, 8, 1)
EW_TILE_HALF(ew_tile_half_six, EW_F32_ROWS / 2, 1)
EW_TILE_HALF(ew_tile_half_full_narrow, EW_F32_ROWS, 0)
EW_TILE_HALF(ew_tile_half_eight_narrow, 8, 0)

/* Whether the columns of a tile end with half a block: 8, 24, 40 or 56 of them, or a few less. */
EW_INLINE int ew_tile_half_takes(const ew_tile_f32 *t) {
  return t->m > 1 && (uint32_t)(t->n - 1) < 56 && (t->n - 1) % 16 < 8;
}
EW_INLINE void ew_tile_half_run(const ew_tile_f32 *tile) {
  ew_tile_f32 t = *tile;
  if (t.n > 32) { /* as many whole blocks as a tall tile has */
    t.n = 32;
    ew_tile_f32_run(&t);
    t.n = tile->n - 32;
    t.w += 2 * t.w_block;
    t.bias += 32;
    t.y += 32;
    if (t.skip) t.skip += 32;
  }
  const int narrow = t.n <= 8;
  if (t.m > 8) (narrow ? ew_tile_half_full_narrow : ew_tile_half_full)(&t);
  else if (narrow) ew_tile_half_eight_narrow(&t);
  else (t.m > EW_F32_ROWS / 2 ? ew_tile_half_eight : ew_tile_half_six)(&t);
}

#else
EW_INLINE int ew_tile_half_takes(const ew_tile_f32 *t) { return 0 * t->n; }
EW_INLINE void ew_tile_half_run(const ew_tile_f32 *t) { ew_tile_f32_run(t); }
#endif
#endif
