/* float32 convolution of few channels, such as the first layer of a net. The taps of one line of a
   window are neighbours in the image: a tile of neighbouring results reads it where it lies, at
   distances that the compiler knows: neither are windows copied nor addresses looked up. */
#ifndef EW_CONV_LINE_F32_H
#define EW_CONV_LINE_F32_H
#include "conv_rows.h"
#include "simd.h"

/* Sums of a tile: what is left of the registers holds weights. */
#if defined(EW_F32_HALVES)
#define EW_LINE_SUMS 28
#define EW_LINE_HALVES 1
typedef ew_f32x8 ew_line_half;
#define ew_line_half_load ew_f32_half_load
#define ew_line_half_of ew_f32_half_of
#define ew_line_whole_of ew_f32_whole_of
#define ew_line_half_fma ew_f32_half_fma
#else
#define EW_LINE_SUMS EW_F32_ROWS
#define EW_LINE_HALVES 0
typedef ew_f32x16 ew_line_half;
#define ew_line_half_load ew_f32_load
#define ew_line_half_of(whole) (whole)
#define ew_line_whole_of(half) (half)
#define ew_line_half_fma ew_fma
#endif
#define EW_LINE_ROWS 24
#define EW_LINE_BLOCKS 4
#define EW_LINE_HELD 28 /* the most sums of any ISA */

/* Products that are summed one after the other, as by ew_conv_f32, so that both have the same bits:
   see EW_F32_SUM. */
EW_INLINE int32_t ew_line_length(int32_t channels) {
  return channels < 16 || channels >= 128 ? 128 : 128 / channels * channels;
}

/* The columns of a tile: whole blocks of sixteen, and half of one where it is enough. */
typedef struct ew_line_columns {
  int32_t n;
  int blocks, half;
} ew_line_columns;

/* As many as make a good tile: four blocks where a line has few results, two elsewhere. */
EW_INLINE ew_line_columns ew_line_take(int32_t width, int32_t left) {
  const int32_t most = EW_LINE_SUMS < 24 ? 16 : width * 4 <= EW_LINE_SUMS ? 64 : 32;
  const int32_t n = ew_min_i32(left, most);
  const int half = EW_LINE_HALVES && n < 32 && (n - 1) % 16 < 8;
  return (ew_line_columns){n, (n + 15) / 16 - half, half};
}

/* Rows of the tiles of a line of `width` results: all tiles have as many. */
EW_INLINE int ew_line_rows(int32_t width, int32_t fit, const ew_line_columns c) {
  const int32_t sums = ew_min_i32(EW_LINE_ROWS, EW_LINE_SUMS / (c.blocks + c.half));
  const int32_t most = ew_min_i32(sums, fit);
  const int32_t tiles = (width + most - 1) / most;
  return (width + tiles - 1) / tiles;
}

/* Whether a tile sees anything but the image. */
EW_INLINE int ew_line_sees_border(const ew_conv_shape s) {
  return s.pad_top || s.pad_left || (s.out_w - 1) * s.stride_w + s.kernel_w > s.in_w ||
         (s.out_h - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1 > s.in_h;
}

/* The most rows whose inputs fit into the memory of EW_LINE_WINDOWS windows, and what is held. */
#define EW_LINE_WINDOWS 12
EW_INLINE int32_t ew_line_most(const ew_conv_shape s) {
  if (!ew_line_sees_border(s)) return EW_LINE_ROWS;
  const int32_t line = s.kernel_w * s.in_c, window = s.kernel_h * line;
  const int32_t room = EW_LINE_WINDOWS * window - (window > 128 ? 16 * EW_LINE_HELD : 0);
  return (room / s.kernel_h - line) / (s.stride_w * s.in_c) + 1;
}

typedef struct ew_line_job {
  ew_conv_shape s;
  const float *x, *w, *bias, *skip;
  float *y, *held, *patch;
  float lo, hi;
} ew_line_job;

/* What a tile reads: the first tap of its first result, floats between two lines of the window. */
typedef struct ew_line_seen {
  const float *x;
  ptrdiff_t pitch;
} ew_line_seen;

/* Copies what a tile at a border sees, with the zeros around the image. */
EW_INLINE ew_line_seen ew_line_patch(const ew_line_job *t, const float *image, int32_t iy,
                                     int32_t ix, const int32_t columns) {
  const ew_conv_shape *const s = &t->s;
  const int32_t left = ew_max_i32(0, -ix), right = ew_min_i32(columns, s->in_w - ix);
  const ptrdiff_t pitch = (ptrdiff_t)columns * s->in_c;
  __builtin_memset(t->patch, 0, (size_t)(s->kernel_h * pitch) * 4);
  EW_ROLLED for (int32_t ky = 0; ky < s->kernel_h; ++ky) {
    const int32_t y = iy + ky * s->dilation_h;
    if ((uint32_t)y >= (uint32_t)s->in_h || right <= left) continue;
    __builtin_memcpy(t->patch + ky * pitch + left * s->in_c,
                     image + ((ptrdiff_t)y * s->in_w + ix + left) * s->in_c,
                     (size_t)((right - left) * s->in_c) * 4);
  }
  return (ew_line_seen){t->patch, pitch};
}

/* Where the windows of `rows` results from column ox of a line on lie. */
EW_INLINE ew_line_seen ew_line_see(const ew_line_job *t, int32_t line, int32_t ox,
                                   const int rows) {
  const ew_conv_shape *const s = &t->s;
  const int32_t image = line / s->out_h;
  const int32_t iy = (line - image * s->out_h) * s->stride_h - s->pad_top;
  const int32_t ix = ox * s->stride_w - s->pad_left;
  const int32_t columns = (rows - 1) * s->stride_w + s->kernel_w;
  const float *const from = t->x + (ptrdiff_t)image * s->in_h * s->in_w * s->in_c;
  const int inside = iy >= 0 && ix >= 0 && ix + columns <= s->in_w &&
                     iy + (s->kernel_h - 1) * s->dilation_h < s->in_h;
  if (!inside) return ew_line_patch(t, from, iy, ix, columns);
  return (ew_line_seen){from + ((ptrdiff_t)iy * s->in_w + ix) * s->in_c,
                        (ptrdiff_t)s->dilation_h * s->in_w * s->in_c};
}

typedef struct ew_line_sums {
  ew_f32x16 acc[EW_LINE_ROWS][EW_LINE_BLOCKS];
  ew_line_half last[EW_LINE_ROWS];
} ew_line_sums;

/* Adds the products of one line of the window: `depth` elements. */
EW_INLINE void ew_line_add(const float *x, const float *w, ptrdiff_t w_block, const int32_t depth,
                           const ptrdiff_t step, const int rows, const ew_line_columns c,
                           ew_line_sums *sums) {
  EW_ROLLED for (int32_t k = 0; k < depth; ++k, ++x, w += 16) {
    ew_f32x16 columns[EW_LINE_BLOCKS];
    ew_line_half behind;
    EW_UNROLL for (int j = 0; j < c.blocks; ++j) columns[j] = ew_f32_load(w + j * w_block);
    if (c.half) behind = ew_line_half_load(w + c.blocks * w_block);
    EW_UNROLL for (int i = 0; i < rows; ++i) {
      const ew_f32x16 value = ew_f32_dup(x[i * step]);
      EW_UNROLL for (int j = 0; j < c.blocks; ++j)
        sums->acc[i][j] = ew_fma(value, columns[j], sums->acc[i][j]);
      if (c.half)
        sums->last[i] = ew_line_half_fma(ew_line_half_of(value), behind, sums->last[i]);
    }
  }
}

EW_INLINE void ew_line_store(const ew_line_job *t, ptrdiff_t at, ew_f32x16 v, const int n) {
  if (t->skip)
    v = ew_f32_add(v, n < 16 ? ew_f32_load_n(t->skip + at, n) : ew_f32_load(t->skip + at));
  v = ew_f32_clamp(v, ew_f32_dup(t->lo), ew_f32_dup(t->hi));
  if (n < 16) ew_f32_store_n(t->y + at, v, n);
  else ew_f32_store(t->y + at, v);
}

/* Moves the sums to `held`, or adds what is there already. */
EW_INLINE void ew_line_hold(float *held, int more, const int moves, const int rows,
                            const ew_line_columns c, ew_line_sums *sums) {
  const ew_f32x16 zero = ew_f32_dup(0.0f);
  EW_UNROLL for (int i = 0; i < rows; ++i) {
    float *const row = held + 16 * (c.blocks + c.half) * i;
    EW_UNROLL for (int j = 0; j < c.blocks; ++j) {
      if (more) sums->acc[i][j] = ew_f32_add(ew_f32_load(row + 16 * j), sums->acc[i][j]);
      if (!moves) continue;
      ew_f32_store(row + 16 * j, sums->acc[i][j]);
      sums->acc[i][j] = zero;
    }
    if (!c.half) continue;
    float *const p = row + 16 * c.blocks;
    const ew_f32x16 last = ew_line_whole_of(sums->last[i]);
    if (more) sums->last[i] = ew_line_half_of(ew_f32_add(ew_f32_load(p), last));
    if (!moves) continue;
    ew_f32_store(p, ew_line_whole_of(sums->last[i]));
    sums->last[i] = ew_line_half_of(zero);
  }
}

/* All products of a window. */
EW_INLINE void ew_line_sum(const ew_line_job *t, ew_line_seen seen, const float *w,
                           const int rows, const ew_line_columns c, ew_line_sums *sums) {
  const ew_conv_shape *const s = &t->s;
  const int32_t depth = s->kernel_w * s->in_c, step = s->stride_w * s->in_c;
  const int32_t most = ew_line_length(s->in_c);
  const ptrdiff_t w_block = (ptrdiff_t)s->kernel_h * depth * 16;
  const int is_long = s->kernel_h * depth > most;
  int32_t length = 0;
  int more = 0;
  for (int32_t ky = 0; ky < s->kernel_h; ++ky, seen.x += seen.pitch)
    for (int32_t k = 0, count; k < depth; k += count, w += 16 * count) {
      if (is_long && length == most) {
        ew_line_hold(t->held, more, 1, rows, c, sums);
        more = 1;
        length = 0;
      }
      count = is_long ? ew_min_i32(depth - k, most - length) : depth;
      length += count;
      ew_line_add(seen.x + k, w, w_block, count, step, rows, c, sums);
    }
  if (is_long && more) ew_line_hold(t->held, more, 0, rows, c, sums);
}

/* One tile; the first `done` of its results are stored already. */
EW_INLINE void ew_line_tile(const ew_line_job *t, const ew_line_seen seen, ptrdiff_t at,
                            int32_t column, int32_t done, const int rows,
                            const ew_line_columns c) {
  const ew_conv_shape *const s = &t->s;
  const float *const w = t->w + (ptrdiff_t)s->kernel_h * s->kernel_w * s->in_c * column;
  const float *const bias = t->bias + column;
  ew_line_sums sums;
  EW_UNROLL for (int i = 0; i < rows; ++i) {
    EW_UNROLL for (int j = 0; j < c.blocks; ++j) sums.acc[i][j] = ew_f32_load(bias + 16 * j);
    if (c.half) sums.last[i] = ew_line_half_load(bias + 16 * c.blocks);
  }
  ew_line_sum(t, seen, w, rows, c, &sums);
  EW_UNROLL for (int i = 0; i < rows; ++i) {
    if (i < done) continue;
    const ptrdiff_t y = at + (ptrdiff_t)i * s->out_c + column;
    EW_UNROLL for (int j = 0; j < c.blocks; ++j)
      ew_line_store(t, y + 16 * j, sums.acc[i][j], ew_min_i32(16, c.n - 16 * j));
    if (c.half)
      ew_line_store(t, y + 16 * c.blocks, ew_line_whole_of(sums.last[i]), c.n - 16 * c.blocks);
  }
}

/* Some columns of one of several parts of the image. The last tile of a line begins early, so that
   all of its results exist. */
EW_INLINE void ew_line_columns_of(const ew_line_job *t, int32_t part, int32_t parts,
                                  int32_t column, const ew_line_columns c) {
  const int32_t width = t->s.out_w;
  const int rows = ew_line_rows(width, ew_line_most(t->s), c);
  const int32_t across = (width + rows - 1) / rows, tiles = across * t->s.batch * t->s.out_h;
  for (int32_t tile = tiles * part / parts; tile < tiles * (part + 1) / parts; ++tile) {
    const int32_t line = tile / across, first = (tile - line * across) * rows;
    const int32_t ox = ew_min_i32(first, width - rows);
    ew_line_tile(t, ew_line_see(t, line, ox, rows), ((ptrdiff_t)line * width + ox) * t->s.out_c,
                 column, first - ox, rows, c);
  }
}

/* Part `part` of `parts`, which may be computed at the same time. */
EW_INLINE void ew_conv_line_f32_part(const ew_conv_shape shape, int32_t part, int32_t parts,
                                     const float *x, const float *w, const float *bias,
                                     const float *skip, float lo, float hi, float *y,
                                     void *scratch) {
  const int is_long = shape.kernel_h * shape.kernel_w * shape.in_c > 128;
  float *const held = scratch, *const patch = held + (is_long ? 16 * EW_LINE_HELD : 0);
  const ew_line_job t = {shape, x, w, bias, skip, y, held, patch, lo, hi};
  const ew_line_columns most = ew_line_take(t.s.out_w, t.s.out_c);
  int32_t column = 0;
  for (; column + most.n <= t.s.out_c; column += most.n)
    ew_line_columns_of(&t, part, parts, column, most);
  if (column < t.s.out_c)
    ew_line_columns_of(&t, part, parts, column, ew_line_take(t.s.out_w, t.s.out_c % most.n));
}

/* Whether a convolution is computed in this form: windows of few channels, which are copied
   otherwise, and single pixels at a stride. The compiler has to know all sizes, and what tiles of
   EW_LINE_ROWS see has to fit where windows would be copied to. */
EW_INLINE int ew_line_takes(const ew_conv_shape s) {
  const int32_t depth = s.kernel_w * s.in_c;
  const int is_known = __builtin_constant_p(s.out_w) && __builtin_constant_p(s.in_w) &&
                       __builtin_constant_p(s.out_c) && __builtin_constant_p(depth);
  if (EW_SMALL || !is_known || s.groups != 1 || s.dilation_w != 1 || ew_conv_is_matrix(s)) return 0;
  if (s.kernel_w == 1 && s.kernel_h == 1) return s.in_c <= 64 && !ew_line_sees_border(s);
  return s.in_c < 16 && depth <= 128 && s.out_w * s.out_h >= EW_LINE_WINDOWS;
}

#endif
