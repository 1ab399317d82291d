/* 8-bit convolution with 3x3 windows at stride 1 by Winograd's F(4x4, 3x3): 36 multiplications for
   sixteen results instead of 144, of int16 instead of int8, which is half the work where those are
   half as fast.

   It is exact. With x in -128..127, transformed input lies within 100 * 128, and transformed
   weights, whose fractions are multiplied out, within 49 * 128. Sums wrap around; they are the
   results times 9 and a power of two of at most 64, both of which can be undone modulo 2^32 since
   a result lies within 2^25: 9 * 128 * 128 for each of at most 224 channels. */
#ifndef EW_CONV_WINOGRAD_Q8_H
#define EW_CONV_WINOGRAD_Q8_H
#include "conv_rows.h"
#include "tile_q8.h"

/* Tiles of 6x6 inputs that are worked on at once, unless the shape says how many; their transformed
   input shares the second-level cache with the weights. ops/winograd_q8.py says the same. */
#define EW_WINOGRAD_Q8_TILES 56
/* Tiles are multiplied in whole register tiles: room for those that do not exist. */
#define EW_WINOGRAD_Q8_SPARE 16

/* Rows of the smallest register tile: images of 8x8 have four tiles. */
#define EW_WINOGRAD_Q8_FEW 4

/* Rows of B'd for one column of a tile: d in, b out. The first does rows 1 to 4, the other 0 and 5. */
EW_INLINE void ew_winograd_q8_inner(const ew_i16x32 d[6], ew_i16x32 b[6]) {
  const ew_i16x32 p = ew_i16_sub(d[4], ew_i16_shl(d[2], 2));
  const ew_i16x32 q = ew_i16_sub(d[3], ew_i16_shl(d[1], 2));
  const ew_i16x32 r = ew_i16_sub(d[4], d[2]), s = ew_i16_shl(ew_i16_sub(d[3], d[1]), 1);
  b[1] = ew_i16_add(p, q);
  b[2] = ew_i16_sub(p, q);
  b[3] = ew_i16_add(r, s);
  b[4] = ew_i16_sub(r, s);
}
EW_INLINE void ew_winograd_q8_outer(const ew_i16x32 d[6], ew_i16x32 b[6]) {
  b[0] = ew_i16_add(ew_i16_shl(ew_i16_sub(d[0], d[2]), 2), ew_i16_sub(d[4], d[2]));
  b[5] = ew_i16_add(ew_i16_shl(ew_i16_sub(d[1], d[3]), 2), ew_i16_sub(d[5], d[3]));
}
EW_INLINE void ew_winograd_q8_row(const ew_i16x32 d[6], int16_t *v, ptrdiff_t v_step) {
  ew_i16x32 b[6];
  ew_winograd_q8_inner(d, b);
  ew_winograd_q8_outer(d, b);
  EW_UNROLL for (int j = 0; j < 6; ++j) ew_i16_store(v + j * v_step, b[j]);
}

/* Transforms one tile for all channels: v[position][channel] = B'dB. `at` holds the 36 pixels;
   v_step is the distance of two positions. Inner rows first: all of them are too many registers. */
EW_INLINE void ew_winograd_q8_input(const uint8_t *const at[36], int32_t channels, int16_t *v,
                                    ptrdiff_t v_step, const int is_signed) {
  for (int32_t c = 0; c < channels; c += 32, v += 32) {
    const int n = channels - c < 32 ? 16 : 32;
    ew_i16x32 rows[6][6], d[6], b[6];
    EW_UNROLL for (int j = 0; j < 6; ++j) {
      EW_UNROLL for (int i = 1; i < 5; ++i) d[i] = ew_i16_load_8(at[6 * i + j] + c, n, is_signed);
      ew_winograd_q8_inner(d, b);
      EW_UNROLL for (int i = 1; i < 5; ++i) rows[i][j] = b[i];
    }
    EW_UNROLL for (int i = 1; i < 5; ++i) ew_winograd_q8_row(rows[i], v + 6 * i * v_step, v_step);
    EW_UNROLL for (int j = 0; j < 6; ++j) {
      EW_UNROLL for (int i = 0; i < 6; ++i) d[i] = ew_i16_load_8(at[6 * i + j] + c, n, is_signed);
      ew_winograd_q8_outer(d, b);
      rows[0][j] = b[0];
      rows[5][j] = b[5];
    }
    ew_winograd_q8_row(rows[0], v, v_step);
    ew_winograd_q8_row(rows[5], v + 30 * v_step, v_step);
  }
}
EW_KERNEL void ew_winograd_q8_input_s8(const uint8_t *const at[36], int32_t channels, int16_t *v,
                                       ptrdiff_t v_step) {
  ew_winograd_q8_input(at, channels, v, v_step, 1);
}
EW_KERNEL void ew_winograd_q8_input_u8(const uint8_t *const at[36], int32_t channels, int16_t *v,
                                       ptrdiff_t v_step) {
  ew_winograd_q8_input(at, channels, v, v_step, 0);
}

/* One register tile of the products at one position: m[row][16 * EW_Q8_BLOCKS] = v * u. */
EW_INLINE void ew_winograd_q8_tile(const int16_t *v, ptrdiff_t v_row, const int16_t *u,
                                   ptrdiff_t u_block, int32_t depth, int32_t *m, const int rows,
                                   const int blocks) {
  ew_i32x16 acc[EW_Q8_ROWS][EW_Q8_BLOCKS];
  EW_UNROLL for (int i = 0; i < rows; ++i)
    EW_UNROLL for (int j = 0; j < blocks; ++j) acc[i][j] = ew_i32_dup(0);
  const int16_t *x[EW_Q8_ROWS];
  EW_UNROLL for (int i = 0; i < rows; ++i) x[i] = v + i * v_row;
  for (ptrdiff_t k = 0; k < depth; k += 2) {
    ew_i32x16 columns[EW_Q8_BLOCKS];
    EW_UNROLL for (int j = 0; j < blocks; ++j)
      columns[j] = ew_i32_load((const int32_t *)(u + j * u_block));
    u += 32;
    EW_UNROLL for (int i = 0; i < rows; ++i) {
      int32_t pair;
      __builtin_memcpy(&pair, x[i] + k, 4);
      const ew_i32x16 both = ew_i32_dup(pair);
      EW_UNROLL for (int j = 0; j < blocks; ++j)
        acc[i][j] = ew_i32_dot2(acc[i][j], both, columns[j]);
    }
  }
  EW_UNROLL for (int i = 0; i < rows; ++i)
    EW_UNROLL for (int j = 0; j < blocks; ++j)
      ew_i32_store(m + (i * EW_Q8_BLOCKS + j) * 16, acc[i][j]);
}
#define EW_WINOGRAD_Q8_TILE(name, rows, blocks) \
  EW_KERNEL void name(const int16_t *v, ptrdiff_t v_row, const int16_t *u, ptrdiff_t u_block, \
                      int32_t depth, int32_t *m) { \
    ew_winograd_q8_tile(v, v_row, u, u_block, depth, m, rows, blocks); \
  }
EW_WINOGRAD_Q8_TILE(ew_winograd_q8_full, EW_Q8_ROWS, EW_Q8_BLOCKS)
EW_WINOGRAD_Q8_TILE(ew_winograd_q8_half, EW_Q8_ROWS / 2, EW_Q8_BLOCKS)
EW_WINOGRAD_Q8_TILE(ew_winograd_q8_few, EW_WINOGRAD_Q8_FEW, EW_Q8_BLOCKS)
EW_WINOGRAD_Q8_TILE(ew_winograd_q8_full_narrow, EW_Q8_ROWS, 1)
EW_WINOGRAD_Q8_TILE(ew_winograd_q8_half_narrow, EW_Q8_ROWS / 2, 1)

/* A'm for one line of six: 24, 12, 6 and 6 times the results. */
EW_INLINE void ew_winograd_q8_line(const ew_i32x16 m[6], ew_i32x16 r[4]) {
  const ew_i32x16 s = ew_i32_add(m[1], m[2]), e = ew_i32_sub(m[1], m[2]);
  const ew_i32x16 p = ew_i32_add(m[3], m[4]), q = ew_i32_sub(m[3], m[4]);
  r[0] = ew_i32_add(ew_i32_sub(m[0], ew_i32_shl(s, 2)), p);
  r[1] = ew_i32_sub(q, ew_i32_add(e, e));
  r[2] = ew_i32_sub(p, s);
  r[3] = ew_i32_add(ew_i32_sub(ew_i32_add(q, q), e), m[5]);
}

/* A'mA of one tile and 16 channels, with bias: the first 256 of sums are [16 pixels][16]; all 384
   are used, since half of them would not fit into the registers. */
EW_KERNEL void ew_winograd_q8_output(const int32_t *m, ptrdiff_t m_step, const int32_t *bias,
                                     int32_t *sums) {
  const ew_i32x16 ninth = ew_i32_dup(0x38E38E39); /* times 9: 1 modulo 2^32 */
  const ew_i32x16 offset = ew_i32_load(bias);
  EW_UNROLL for (int j = 0; j < 6; ++j) {
    ew_i32x16 column[6], r[4];
    EW_UNROLL for (int i = 0; i < 6; ++i) column[i] = ew_i32_load(m + (6 * i + j) * m_step);
    ew_winograd_q8_line(column, r);
    EW_UNROLL for (int i = 0; i < 4; ++i) ew_i32_store(sums + 16 * (6 * i + j), r[i]);
  }
  EW_UNROLL for (int i = 0; i < 4; ++i) { /* results end before the next line begins */
    const int twos[4] = {3, 2, 1, 1}; /* the powers of two in 24, 12, 6, 6 */
    ew_i32x16 line[6], r[4];
    EW_UNROLL for (int j = 0; j < 6; ++j) line[j] = ew_i32_load(sums + 16 * (6 * i + j));
    ew_winograd_q8_line(line, r);
    EW_UNROLL for (int j = 0; j < 4; ++j) {
      const ew_i32x16 y = ew_i32_sra(ew_i32_mul(r[j], ninth), twos[i] + twos[j]);
      ew_i32_store(sums + 16 * (4 * i + j), ew_i32_add(y, offset));
    }
  }
}

/* What all steps of one convolution share. */
typedef struct ew_winograd_q8 {
  ew_conv_shape s;
  int32_t across, down;       /* tiles of one image in x and y */
  int32_t tiles, block;       /* of all images, and at once */
  int32_t channels;           /* of a row of v: a multiple of 32 */
  ptrdiff_t v_step, m_step;   /* elements between two of the 36 positions */
  const uint8_t *pad;
  int16_t *v;
  int32_t *m;
} ew_winograd_q8;

/* Divides the image into tiles and the scratch memory into its parts. */
EW_INLINE ew_winograd_q8 ew_winograd_q8_of(const ew_conv_shape s, int32_t x_zero, void *scratch) {
  ew_winograd_q8 g = {.s = s};
  g.across = (s.out_w + 3) / 4;
  g.down = (s.out_h + 3) / 4;
  g.tiles = s.batch * g.across * g.down;
  g.block = ew_min_i32(s.block ? s.block : EW_WINOGRAD_Q8_TILES, g.tiles);
  g.channels = ew_round_up(s.in_c, 32);
  const int32_t rows = g.block + EW_WINOGRAD_Q8_SPARE;
  g.v_step = (ptrdiff_t)rows * g.channels + 32; /* not a multiple of 4096 bytes: see caches */
  g.m_step = (ptrdiff_t)rows * 16 * EW_Q8_BLOCKS + 16;
  g.pad = scratch;
  g.v = (int16_t *)((char *)scratch + ew_round_up(s.in_c, 64));
  g.m = (int32_t *)(g.v + 36 * g.v_step);
  __builtin_memset(scratch, x_zero, (size_t)s.in_c);
  return g;
}

EW_INLINE ew_pixel ew_winograd_q8_pixel(const ew_winograd_q8 *g, int32_t tile) {
  const int32_t row = tile / g->across, image = row / g->down;
  return (ew_pixel){image, 4 * (row - image * g->down), 4 * (tile - row * g->across)};
}

EW_INLINE void ew_winograd_q8_inputs(const ew_winograd_q8 *g, const uint8_t *x, int32_t first,
                                     int32_t count, const int is_signed) {
  const ew_conv_shape *const s = &g->s;
  for (int32_t t = 0; t < count; ++t) {
    const ew_pixel p = ew_winograd_q8_pixel(g, first + t);
    const uint8_t *at[36];
    for (int32_t i = 0; i < 6; ++i) {
      const int32_t iy = p.oy - s->pad_top + i;
      const ptrdiff_t line = ((ptrdiff_t)p.image * s->in_h + iy) * s->in_w;
      for (int32_t j = 0; j < 6; ++j) {
        const int32_t ix = p.ox - s->pad_left + j;
        const int inside = (uint32_t)iy < (uint32_t)s->in_h && (uint32_t)ix < (uint32_t)s->in_w;
        at[6 * i + j] = inside ? x + (line + ix) * s->in_c : g->pad;
      }
    }
    int16_t *const v = g->v + (ptrdiff_t)t * g->channels;
    if (is_signed) ew_winograd_q8_input_s8(at, s->in_c, v, g->v_step);
    else ew_winograd_q8_input_u8(at, s->in_c, v, g->v_step);
  }
}

/* m[position][tile] = v[position][tile] * u[position] for up to 16 * EW_Q8_BLOCKS columns. */
EW_INLINE void ew_winograd_q8_products(const ew_winograd_q8 *g, const int16_t *u, int32_t count,
                                       const int narrow) {
  const int32_t depth = g->s.in_c;
  const ptrdiff_t u_step = (ptrdiff_t)16 * depth;
  for (int32_t i = 0; i < 36; ++i, u += u_step)
    for (int32_t t = 0; t < count; t += EW_Q8_ROWS) {
      const int16_t *const v = g->v + i * g->v_step + (ptrdiff_t)t * g->channels;
      int32_t *const m = g->m + i * g->m_step + (ptrdiff_t)t * 16 * EW_Q8_BLOCKS;
      const int half = count - t <= EW_Q8_ROWS / 2, few = count - t <= EW_WINOGRAD_Q8_FEW;
      if (narrow)
        (half ? ew_winograd_q8_half_narrow : ew_winograd_q8_full_narrow)(v, g->channels, u, 0,
                                                                        depth, m);
      else
        (few    ? ew_winograd_q8_few
         : half ? ew_winograd_q8_half
                : ew_winograd_q8_full)(v, g->channels, u, 36 * u_step, depth, m);
    }
}

/* Requantises 16 channels of `count` tiles; channels, params, skip and y as ew_conv_s8 has them. */
EW_INLINE void ew_winograd_q8_outputs(const ew_winograd_q8 *g, const ew_q8_variant v,
                                      const int32_t *m, const int32_t *channels,
                                      const ew_q8_params *params, const uint8_t *skip, uint8_t *y,
                                      int32_t first, int32_t count) {
  const ew_conv_shape *const s = &g->s;
  for (int32_t t = 0; t < count; ++t, m += 16 * EW_Q8_BLOCKS) {
    const ew_pixel p = ew_winograd_q8_pixel(g, first + t);
    const int32_t lines = ew_min_i32(4, s->out_h - p.oy), pixels = ew_min_i32(4, s->out_w - p.ox);
    int32_t sums[384];
    ew_winograd_q8_output(m, g->m_step, channels, sums);
    ptrdiff_t at = (((ptrdiff_t)p.image * s->out_h + p.oy) * s->out_w + p.ox) * s->out_c;
    for (int32_t i = 0; i < lines; ++i, at += (ptrdiff_t)s->out_w * s->out_c)
      v.finish(sums + 64 * i, pixels, 16, channels, params, skip ? skip + at : skip, y + at,
               s->out_c);
  }
}

/* Some of the tiles and columns, each from a first to an end. */
typedef struct ew_winograd_q8_part {
  int32_t tile, tiles_end, column, columns_end;
} ew_winograd_q8_part;

EW_INLINE void ew_winograd_q8_run(const ew_winograd_q8 g, const ew_winograd_q8_part part,
                                  const ew_q8_variant v, const uint8_t *x, const int16_t *u,
                                  const int32_t *channels, const ew_q8_params *params,
                                  const uint8_t *skip, uint8_t *y) {
  const ptrdiff_t u_column = (ptrdiff_t)36 * g.s.in_c;
  const int32_t step = 16 * EW_Q8_BLOCKS;
  for (int32_t first = part.tile; first < part.tiles_end; first += g.block) {
    const int32_t count = ew_min_i32(g.block, part.tiles_end - first);
    ew_winograd_q8_inputs(&g, x, first, count, v.is_signed);
    for (int32_t n = part.column; n < part.columns_end; n += step) {
      const int32_t end = ew_min_i32(n + step, part.columns_end);
      ew_winograd_q8_products(&g, u + n * u_column, count, end - n <= 16);
      for (int32_t j = n; j < end; j += 16)
        ew_winograd_q8_outputs(&g, v, g.m + (j - n), channels + j * ew_q8_channel_rows(v.mode),
                               params, skip ? skip + j : skip, y + j, first, count);
    }
  }
}

EW_INLINE void ew_conv_winograd_q8(const ew_conv_shape s, const ew_q8_variant v, const uint8_t *x,
                                   const int16_t *u, const int32_t *channels,
                                   const ew_q8_params *params, const uint8_t *skip, uint8_t *y,
                                   void *scratch) {
  const ew_winograd_q8 g = ew_winograd_q8_of(s, params->x_zero, scratch);
  const ew_winograd_q8_part all = {0, g.tiles, 0, s.out_c};
  ew_winograd_q8_run(g, all, v, x, u, channels, params, skip, y);
}

/* As ew_conv_s8 and ew_conv_u8, for 3x3 windows at stride 1, whose weights have no zero point.

   Channels in and out are multiples of 16, at most 224 of them come in. u from winograd_q8.weights,
   [out_c / 16][36 positions][in_c / 2][16][2]; channels with the bias for activations of -128..127
   (fold_q8(…, "ss")); scratch: winograd_q8.scratch_bytes(…) bytes, aligned to 64. */
EW_INLINE void ew_conv_winograd_s8(const ew_conv_shape s, const int32_t mode, const int8_t *x,
                                   const int16_t *u, const int32_t *channels,
                                   const int32_t *params, const int8_t *skip, int8_t *y,
                                   void *scratch) {
  ew_conv_winograd_q8(s, ew_q8_variant_of(1, mode, 0, skip != 0), (const uint8_t *)x, u, channels,
                      (const ew_q8_params *)params, (const uint8_t *)skip, (uint8_t *)y, scratch);
}
EW_INLINE void ew_conv_winograd_u8(const ew_conv_shape s, const int32_t mode, const uint8_t *x,
                                   const int16_t *u, const int32_t *channels,
                                   const int32_t *params, const uint8_t *skip, uint8_t *y,
                                   void *scratch) {
  ew_conv_winograd_q8(s, ew_q8_variant_of(0, mode, 0, skip != 0), x, u, channels,
                      (const ew_q8_params *)params, skip, y, scratch);
}

#endif
