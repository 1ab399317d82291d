/* Micro-kernels of the float32 product of a matrix whose rows lie at one distance: one call takes
   all rows of some columns. Tiles of tile_f32.h look their rows up one by one, which costs 5 % at
   64 products, 10 % at 32 and more below. For ISAs with 32 registers of 16 lanes. */
#ifndef EW_PANEL_F32_H
#define EW_PANEL_F32_H
#include "tile_half_f32.h"
#if defined(EW_F32_WIDE_ROWS)

/* y[i][c] = clamp(bias[c] + sum of x[i][k] * w[k][c] (+ skip[i][c])) for rows `first` to `end`, of
   which there are as many as in a tile at least. */
typedef struct ew_panel_f32 {
  const float *x, *w, *bias, *skip; /* as in ew_tile_f32; may be null: skip */
  float *y;
  ptrdiff_t x_row, y_row, w_block;  /* floats between two rows, and two blocks of columns */
  int32_t depth, first, end, n;     /* n: columns that exist */
  float lo, hi;
} ew_panel_f32;

/* Rows of tiles of two blocks (or one and a half), and of one (or half): as many sums as there are
   registers for. Rows of more than EW_PANEL_DEPTH products share few sets of the first cache. */
#define EW_PANEL_WIDE 14
#define EW_PANEL_TALL 24
#define EW_PANEL_DEPTH 512

typedef struct ew_panel_sums {
  ew_f32x16 acc[EW_PANEL_TALL][2];
  ew_f32x8 last[EW_PANEL_TALL];
} ew_panel_sums;

/* Adds the products of elements [k, end). An address is a base and 0, 1 or 2 rows: the compiler
   must not see that bases are related, or it keeps a register for each row. */
EW_INLINE void ew_panel_add(const ew_panel_f32 *t, const float *x, int32_t k, int32_t end,
                            const int rows, const int blocks, const int half, ew_panel_sums *s) {
  const ptrdiff_t step = t->x_row, w_block = t->w_block;
  const float *at[EW_PANEL_TALL / 3];
  EW_UNROLL for (int i = 0; i < rows; i += 3) at[i / 3] = x + i * step + k;
  const float *w = t->w + (ptrdiff_t)k * 16, *const last = t->w + (ptrdiff_t)end * 16;
  for (; w != last; w += 16) {
    ew_f32x16 columns[2];
    EW_UNROLL for (int j = 0; j < blocks; ++j) columns[j] = ew_f32_load(w + j * w_block);
    const ew_f32x8 behind = ew_f32_half_load(w + (half ? blocks * w_block : 0));
    EW_UNROLL for (int i = 0; i < rows; i += 3) __asm__("" : "+r"(at[i / 3]));
    EW_UNROLL for (int i = 0; i < rows; ++i) {
      ew_f32x16 value = ew_f32_dup(at[i / 3][i % 3 * step]);
      if (half && blocks) __asm__("" : "+v"(value)); /* or it is loaded once for each size */
      EW_UNROLL for (int j = 0; j < blocks; ++j)
        s->acc[i][j] = ew_fma(value, columns[j], s->acc[i][j]);
      if (half) s->last[i] = ew_f32_half_fma(ew_f32_half_of(value), behind, s->last[i]);
    }
    EW_UNROLL for (int i = 0; i < rows; i += 3) ++at[i / 3];
  }
}

/* Adds what is held to the sums. */
EW_INLINE void ew_panel_add_held(const float *held, const int rows, const int blocks,
                                 const int half, ew_panel_sums *s) {
  EW_UNROLL for (int i = 0; i < rows; ++i, held += 16 * (blocks + half)) {
    EW_UNROLL for (int j = 0; j < blocks; ++j) {
      s->acc[i][j] = ew_f32_add(ew_f32_load(held + 16 * j), s->acc[i][j]);
      __asm__ volatile("" : "+v"(s->acc[i][j]) : : "memory"); /* one by one: few registers */
    }
    if (!half) continue;
    s->last[i] = ew_f32_half_of(
        ew_f32_add(ew_f32_load(held + 16 * blocks), ew_f32_whole_of(s->last[i])));
    __asm__ volatile("" : "+v"(s->last[i]) : : "memory");
  }
}

/* Moves the sums to `held`. */
EW_INLINE void ew_panel_hold(float *held, const int rows, const int blocks, const int half,
                             ew_panel_sums *s) {
  const ew_f32x16 zero = ew_f32_dup(0.0f);
  EW_UNROLL for (int i = 0; i < rows; ++i, held += 16 * (blocks + half)) {
    EW_UNROLL for (int j = 0; j < blocks; ++j) {
      ew_f32_store(held + 16 * j, s->acc[i][j]);
      __asm__ volatile("" ::: "memory");
      s->acc[i][j] = zero;
    }
    if (!half) continue;
    ew_f32_store(held + 16 * blocks, ew_f32_whole_of(s->last[i]));
    __asm__ volatile("" ::: "memory");
    s->last[i] = ew_f32_half_of(zero);
  }
}

/* All products, split where ew_tile_f32_sum splits them; ends in `held` if asked for. */
EW_INLINE void ew_panel_sum(const ew_panel_f32 *t, const float *x, float *held, const int ends_held,
                            const int rows, const int blocks, const int half, ew_panel_sums *s) {
  EW_UNROLL for (int j = 0; j < blocks; ++j) {
    const ew_f32x16 bias = ew_f32_load(t->bias + 16 * j);
    EW_UNROLL for (int i = 0; i < rows; ++i) s->acc[i][j] = bias;
  }
  const ew_f32x8 behind = ew_f32_half_load(t->bias + (half ? 16 * blocks : 0));
  EW_UNROLL for (int i = 0; i < rows; ++i) s->last[i] = behind;
  int32_t k = ew_min_i32(t->depth, EW_F32_SUM); /* most sums are short: these begin quickly */
  ew_panel_add(t, x, 0, k, rows, blocks, half, s);
  for (int32_t end = k; ends_held || end < t->depth; k = end) {
    ew_panel_hold(held, rows, blocks, half, s);
    end = ew_min_i32(t->depth, k + EW_F32_SUM);
    if (k == end) break;
    ew_panel_add(t, x, k, end, rows, blocks, half, s);
    ew_panel_add_held(held, rows, blocks, half, s);
  }
}

/* Stores whole blocks without a residual. */
EW_INLINE void ew_panel_store(const ew_panel_f32 *t, int32_t m, const int rows, const int blocks,
                              const int half, const ew_panel_sums *s) {
  const ew_f32x16 lo = ew_f32_dup(t->lo), hi = ew_f32_dup(t->hi);
  const ptrdiff_t step = t->y_row;
  const int n = half ? t->n - 16 * blocks : 0;
  float *y = t->y + m * step;
  EW_UNROLL for (int i = 0; i < rows; ++i, y += step) {
    EW_UNROLL for (int j = 0; j < blocks; ++j)
      ew_f32_store(y + 16 * j, ew_f32_clamp(s->acc[i][j], lo, hi));
    if (half) ew_f32_store_n(y + 16 * blocks, ew_f32_clamp(ew_f32_whole_of(s->last[i]), lo, hi), n);
  }
}

/* Stores what was held from row `done` on: residuals, parts of blocks. */
EW_KERNEL void ew_panel_finish(const ew_panel_f32 *t, const float *held, int32_t m, int32_t done,
                               int32_t rows, int32_t units) {
  const ew_f32x16 lo = ew_f32_dup(t->lo), hi = ew_f32_dup(t->hi);
  const float *const skip = t->skip;
  for (int32_t j = 0; j < units; ++j) {
    const int32_t n = ew_min_i32(16, t->n - 16 * j);
    ptrdiff_t at = (m + done) * t->y_row + 16 * j;
    EW_ROLLED for (int32_t i = done; i < rows; ++i, at += t->y_row) {
      ew_f32x16 v = ew_f32_load(held + 16 * (units * i + j));
      if (skip) v = ew_f32_add(v, ew_f32_load_n(skip + at, n));
      ew_f32_store_n(t->y + at, ew_f32_clamp(v, lo, hi), n);
    }
  }
}

/* The last tile begins early, so that all of its rows exist. */
EW_INLINE void ew_panel_run(const ew_panel_f32 *t, const int rows, const int blocks,
                            const int half) {
  float held[16 * 2 * EW_PANEL_WIDE];
  __asm__("" : "=m"(held)); /* nothing; gcc does not see that it is written before it is read */
  const int is_plain = !t->skip && (half || t->n == 16 * blocks);
  for (int32_t from = t->first; from < t->end; from += rows) {
    const int32_t m = ew_min_i32(from, t->end - rows);
    ew_panel_sums s;
    ew_panel_sum(t, t->x + m * t->x_row, held, !is_plain, rows, blocks, half, &s);
    if (is_plain) ew_panel_store(t, m, rows, blocks, half, &s);
    else ew_panel_finish(t, held, m, from - m, rows, blocks + half);
  }
}

#define EW_PANEL_F32(name, rows, blocks, half) \
  EW_KERNEL void name(const ew_panel_f32 *t) { ew_panel_run(t, rows, blocks, half); }
EW_PANEL_F32(ew_panel_f32_two, EW_PANEL_WIDE, 2, 0)
EW_PANEL_F32(ew_panel_f32_more, EW_PANEL_WIDE, 1, 1)
EW_PANEL_F32(ew_panel_f32_one, EW_PANEL_TALL, 1, 0)
EW_PANEL_F32(ew_panel_f32_half, EW_PANEL_TALL, 0, 1)

/* Rows of a tile of n columns. */
EW_INLINE int32_t ew_panel_rows(int32_t n) { return n > 16 ? EW_PANEL_WIDE : EW_PANEL_TALL; }

/* Rows that tiles of six and four compute beyond m. */
EW_INLINE int32_t ew_panel_beyond(int32_t m) {
  const int32_t rest = m % 6;
  return rest > 4 ? 1 : rest ? 4 - rest : 0;
}

/* How many of m rows of n columns to take, in whole tiles; what is left is less than most of one.
   None where other tiles fit better: 36 are six of six, but 28 and 8. */
EW_INLINE int32_t ew_panel_whole(int32_t m, int32_t n) {
  const int32_t rows = ew_panel_rows(n), rest = m % rows;
  const int32_t whole = 4 * rest >= 3 * rows ? m : m - rest;
  const int loses = ew_panel_beyond(m - whole) > ew_panel_beyond(m) + whole / 32;
  return loses || whole < EW_PANEL_TALL ? 0 : whole; /* the last columns may want the tallest */
}

/* Runs all columns of some rows: at least EW_PANEL_TALL are there before `end`. */
EW_INLINE void ew_panel_f32_run(const ew_panel_f32 *panel) {
  ew_panel_f32 t = *panel;
  for (int32_t left = panel->n; left > 0; left -= 32) {
    t.n = ew_min_i32(left, 32);
    if (t.n > 24) ew_panel_f32_two(&t);
    else if (t.n > 16) ew_panel_f32_more(&t);
    else (t.n > 8 ? ew_panel_f32_one : ew_panel_f32_half)(&t);
    t.w += 2 * t.w_block;
    t.bias += 32;
    t.y += 32;
    if (t.skip) t.skip += 32;
  }
}

#endif
#endif
