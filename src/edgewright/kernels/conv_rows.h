/* Where the rows of a convolution's implicit matrix lie: shared by all element types.

   A convolution is a product of an [M, taps * depth] matrix, which is never built, with packed
   weights. Row m is one output pixel; for each tap of the window it is `depth` elements that lie
   together in the input, or in a row of padding: float32 kernels follow one pointer for each row
   and tap. 8-bit kernels, and float32 ones where depth is small, take whole windows (one tap),
   which are gathered tile by tile. */
#ifndef EW_CONV_ROWS_H
#define EW_CONV_ROWS_H
#include "simd.h"

typedef struct ew_conv_shape {
  int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
  int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
  int32_t groups;
  /* Rows (or Winograd's tiles) that pass a few columns, or 0: see ew_conv_block_of. Of a depthwise
     convolution the pixels of a register tile, or 0, or 1 for none. */
  int32_t block;
  int32_t tile; /* rows of a register tile, or 0 for as many as there are accumulators for */
  int32_t share; /* what chunks share: 1 columns, 2 rows, or 0: see ew_chunks_share_columns */
  int32_t line;  /* bytes that 8-bit weights have for a line of the window, or 0: see packing.py */
} ew_conv_shape;

/* Weights up to this size stay in the second-level cache while all rows pass by; larger ones are
   taken a few columns at a time, for as many rows as fit there. */
#define EW_CONV_WEIGHTS_BYTES (256 * 1024)
#define EW_CONV_ROWS_BYTES (384 * 1024)

/* Rows that pass before the next columns are taken, for rows and columns of `row_bytes` each. */
EW_INLINE int32_t ew_conv_block(int64_t row_bytes, int32_t columns, int32_t tile_rows) {
  const int64_t fit = EW_CONV_ROWS_BYTES / row_bytes / tile_rows * tile_rows;
  if (row_bytes * columns <= EW_CONV_WEIGHTS_BYTES || fit < tile_rows) return tile_rows;
  return (int32_t)fit;
}

/* The same, or what tuning found, in whole tiles. */
EW_INLINE int32_t ew_conv_block_of(const ew_conv_shape s, int64_t row_bytes, int32_t columns,
                                   int32_t tile_rows) {
  if (!s.block) return ew_conv_block(row_bytes, columns, tile_rows);
  return ew_max_i32(s.block / tile_rows, 1) * tile_rows;
}

/* `to` is a power of two. */
EW_INLINE int32_t ew_round_up(int32_t v, int32_t to) { return (v + to - 1) & -to; }

/* An output pixel and the input position of its window's first tap. */
typedef struct ew_pixel {
  int32_t image, oy, ox;
} ew_pixel;

EW_INLINE ew_pixel ew_pixel_of(const ew_conv_shape *s, int32_t m) {
  const int32_t line = m / s->out_w, image = line / s->out_h;
  return (ew_pixel){image, line - image * s->out_h, m - line * s->out_w};
}
EW_INLINE ew_pixel ew_pixel_next(const ew_conv_shape *s, ew_pixel p) {
  if (++p.ox < s->out_w) return p;
  p.ox = 0;
  if (++p.oy < s->out_h) return p;
  p.oy = 0;
  ++p.image;
  return p;
}

/* Replaces the taps of tile row i that lie outside the image. */
EW_INLINE void ew_point_border(const ew_conv_shape *s, int32_t iy, int32_t ix, int32_t tile_rows,
                               const void *pad, const void **rows) {
  for (int32_t ky = 0; ky < s->kernel_h; ++ky)
    for (int32_t kx = 0; kx < s->kernel_w; ++kx, rows += tile_rows) {
      const int32_t y = iy + ky * s->dilation_h, x = ix + kx * s->dilation_w;
      if ((uint32_t)y >= (uint32_t)s->in_h || (uint32_t)x >= (uint32_t)s->in_w) *rows = pad;
    }
}

/* rows[tap * tile_rows + i]: the elements of tap `tap` for pixel m + i. Rows from `count` on repeat
   the last pixel. `pixel_bytes` is the distance of two pixels in x. */
EW_INLINE void ew_point_rows_inline(const ew_conv_shape *s, const void *x, int32_t pixel_bytes,
                                    const void *pad, int32_t m, int32_t count, int32_t tile_rows,
                                    const void **rows) {
  /* Addresses outside the image are formed as integers and replaced before use. */
  uintptr_t base[16];
  ew_pixel p = ew_pixel_of(s, m);
  const int32_t reach_y = (s->kernel_h - 1) * s->dilation_h;
  const int32_t reach_x = (s->kernel_w - 1) * s->dilation_w;
  uint32_t border = 0;
  for (int32_t i = 0; i < tile_rows; ++i) {
    const int32_t iy = p.oy * s->stride_h - s->pad_top, ix = p.ox * s->stride_w - s->pad_left;
    const ptrdiff_t line = (ptrdiff_t)p.image * s->in_h + iy;
    base[i] = (uintptr_t)x + (uintptr_t)((line * s->in_w + ix) * pixel_bytes);
    border |= (uint32_t)(iy < 0 || ix < 0 || iy + reach_y >= s->in_h || ix + reach_x >= s->in_w)
              << i;
    if (i + 1 < count) p = ew_pixel_next(s, p);
  }
  const void **row = rows;
  for (int32_t ky = 0; ky < s->kernel_h; ++ky)
    for (int32_t kx = 0; kx < s->kernel_w; ++kx, row += tile_rows) {
      const ptrdiff_t to = (ptrdiff_t)ky * s->dilation_h * s->in_w + kx * s->dilation_w;
      for (int32_t i = 0; i < tile_rows; ++i)
        row[i] = (const void *)(base[i] + (uintptr_t)(to * pixel_bytes));
    }
  if (!border) return;
  p = ew_pixel_of(s, m);
  for (int32_t i = 0; i < tile_rows; ++i) {
    if (border >> i & 1)
      ew_point_border(s, p.oy * s->stride_h - s->pad_top, p.ox * s->stride_w - s->pad_left,
                      tile_rows, pad, rows + i);
    if (i + 1 < count) p = ew_pixel_next(s, p);
  }
}

EW_KERNEL void ew_point_rows(const ew_conv_shape *s, const void *x, int32_t pixel_bytes,
                             const void *pad, int32_t m, int32_t count, int32_t tile_rows,
                             const void **rows) {
  ew_point_rows_inline(s, x, pixel_bytes, pad, m, count, tile_rows, rows);
}

/* Rows of a 1x1 convolution without stride or padding, and of plain matrices. */
EW_DRIVER void ew_point_matrix(const void *x, ptrdiff_t row_bytes, int32_t count,
                               int32_t tile_rows, const void **rows) {
  for (int32_t i = 0; i < tile_rows; ++i)
    rows[i] = (const char *)x + (i < count ? i : count - 1) * row_bytes;
}

EW_INLINE int ew_conv_is_matrix(const ew_conv_shape s) {
  return s.kernel_h == 1 && s.kernel_w == 1 && s.stride_h == 1 && s.stride_w == 1 &&
         s.pad_top == 0 && s.pad_left == 0 && s.out_h == s.in_h && s.out_w == s.in_w;
}

/* A product of a matrix [rows, depth] with packed weights is a 1x1 convolution of one line. */
EW_INLINE ew_conv_shape ew_matrix_shape(int32_t rows, int32_t depth, int32_t columns) {
  return (ew_conv_shape){.batch = 1, .in_h = 1, .in_w = rows, .in_c = depth, .out_h = 1,
                         .out_w = rows, .out_c = columns, .kernel_h = 1, .kernel_w = 1,
                         .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1,
                         .groups = 1};
}

#if EW_HAS_BYTES_JOIN
/* The same for whole vectors: up to 63 bytes behind the copy are written too. */
EW_INLINE void ew_copy_vectors_flipped(char *restrict to, const char *restrict from,
                                       int32_t bytes, const uint64_t flip) {
  int32_t i = 0;
  for (; bytes - i > 32; i += 64)
    ew_bytes_store(to + i, ew_bytes_xor(ew_bytes_load_n(from + i, bytes - i),
                                        ew_bytes_dup((int8_t)flip)));
  if (i < bytes) ew_bytes_copy_32(to + i, from + i, bytes - i, (int8_t)flip);
}
#endif

/* Copies bytes and inverts the bits that are set in `flip` (of every eight bytes). */
EW_DRIVER void ew_copy_flipped(char *restrict to, const char *restrict from, int32_t bytes,
                               const uint64_t flip) {
  if (!flip && (!EW_SMALL || bytes > 64)) { /* shorter ones are not worth a call of unknown size */
    __builtin_memcpy(to, from, (size_t)bytes);
    return;
  }
#if EW_HAS_BYTES_JOIN
  ew_copy_vectors_flipped(to, from, bytes, flip);
#else
  int32_t i = 0;
  for (; i + 8 <= bytes; i += 8) {
    uint64_t eight;
    __builtin_memcpy(&eight, from + i, 8);
    eight ^= flip;
    __builtin_memcpy(to + i, &eight, 8);
  }
  EW_SHORT for (; i < bytes; ++i) to[i] = (char)(from[i] ^ (char)flip);
#endif
}

/* What is copied for one row of a tile: the same for all of them. */
typedef struct ew_gather {
  int32_t pixel_bytes;  /* distance of two input pixels */
  int32_t bytes;        /* of one pixel in the copy: the channels of one group */
  int32_t row_bytes;    /* distance of two rows of the copy */
  int32_t used, padded; /* bytes of a row that are copied, and with the zeros after them */
  uint8_t fill;         /* padding, before it is flipped */
  uint64_t flip;
} ew_gather;

/* Copies one line of a window: kernel_w taps. */
EW_INLINE void ew_gather_line(const ew_conv_shape s, const ew_gather g, const char *line,
                              int32_t ix, char *to) {
  const int fill = g.fill ^ (uint8_t)g.flip;
  if (s.dilation_w == 1 && g.pixel_bytes == g.bytes && ix >= 0 && ix + s.kernel_w <= s.in_w) {
    ew_copy_flipped(to, line + (ptrdiff_t)ix * g.bytes, s.kernel_w * g.bytes, g.flip);
    return;
  }
  for (int32_t kx = 0; kx < s.kernel_w; ++kx, to += g.bytes) {
    const int32_t x = ix + kx * s.dilation_w;
    if ((uint32_t)x < (uint32_t)s.in_w)
      ew_copy_flipped(to, line + (ptrdiff_t)x * g.pixel_bytes, g.bytes, g.flip);
    else
      __builtin_memset(to, fill, (size_t)g.bytes);
  }
}

/* The same where rows follow each other in x: see ew_conv_is_matrix. */
EW_INLINE void ew_gather_matrix(const ew_gather g, const char *x, int32_t m, int32_t count,
                                char *to) {
  x += (ptrdiff_t)m * g.pixel_bytes;
  if (g.row_bytes == g.pixel_bytes) {
    ew_copy_flipped(to, x, count * g.row_bytes, g.flip);
    return;
  }
  for (int32_t i = 0; i < count; ++i, to += g.row_bytes, x += g.pixel_bytes) {
    ew_copy_flipped(to, x, g.used, g.flip);
    __builtin_memset(to + g.used, 0, (size_t)(g.padded - g.used));
  }
}

/* Fills bytes; up to 63 that follow may be overwritten. */
EW_INLINE void ew_fill_bytes(char *to, const uint8_t byte, int32_t bytes) {
#if EW_HAS_BYTES_JOIN
  for (int32_t i = 0; i < bytes; i += 64) ew_bytes_store(to + i, ew_bytes_dup((int8_t)byte));
#else
  __builtin_memset(to, byte, (size_t)bytes);
#endif
}

/* Copies a line of the image with what windows see beside it: `columns` pixels of `pixel_bytes`,
   the first `left` of which are padding. Up to 63 bytes that follow may be overwritten. */
EW_INLINE void ew_copy_line(char *to, const char *from, int32_t in_w, int32_t left,
                            int32_t columns, int32_t pixel_bytes, const uint8_t fill,
                            const uint64_t flip) {
  const int32_t before = ew_min_i32(left, columns);
  const int32_t whole = ew_max_i32(0, ew_min_i32(in_w, columns - before));
  const int32_t after = columns - before - whole;
  const uint8_t byte = fill ^ (uint8_t)flip;
  ew_fill_bytes(to, byte, before * pixel_bytes);
  to += before * pixel_bytes;
  ew_copy_flipped(to, from, whole * pixel_bytes, flip);
  ew_fill_bytes(to + whole * pixel_bytes, byte, after * pixel_bytes);
}

/* Copies a window from an image that has its padding and `line` bytes in a line; `bytes` is a
   pixel's share. Rows that follow may be overwritten: they are copied later. */
EW_INLINE void ew_copy_window(const ew_conv_shape s, int32_t bytes, ptrdiff_t line,
                              const char *from, char *to) {
  const int whole = s.dilation_w == 1 && s.groups == 1;
  const int32_t taps = whole ? 1 : s.kernel_w, each = whole ? s.kernel_w * bytes : bytes;
  for (int32_t ky = 0; ky < s.kernel_h; ++ky, from += s.dilation_h * line)
    for (int32_t kx = 0; kx < taps; ++kx, to += each) {
      const char *const tap = from + kx * s.dilation_w * s.in_c;
#if EW_HAS_BYTES_JOIN
      if (each <= 32) ew_bytes_copy_32(to, tap, 32, 0);
      else __builtin_memcpy(to, tap, (size_t)each);
#else
      __builtin_memcpy(to, tap, (size_t)each);
#endif
    }
}

/* Copies the windows of `count` output pixels from m on. */
EW_INLINE void ew_gather_rows(const ew_conv_shape s, const ew_gather g, const void *x, int32_t m,
                              int32_t count, char *to) {
  const int32_t line_bytes = s.kernel_w * g.bytes;
  ew_pixel p = ew_pixel_of(&s, m);
  for (int32_t i = 0; i < count; ++i, to += g.row_bytes) {
    const int32_t iy = p.oy * s.stride_h - s.pad_top, ix = p.ox * s.stride_w - s.pad_left;
    for (int32_t ky = 0; ky < s.kernel_h; ++ky) {
      const int32_t y = iy + ky * s.dilation_h;
      const ptrdiff_t line = ((ptrdiff_t)p.image * s.in_h + y) * s.in_w * g.pixel_bytes;
      char *const part = to + ky * line_bytes;
      if ((uint32_t)y < (uint32_t)s.in_h) ew_gather_line(s, g, (const char *)x + line, ix, part);
      else __builtin_memset(part, g.fill ^ (uint8_t)g.flip, (size_t)line_bytes);
    }
    if (g.padded != g.used) __builtin_memset(to + g.used, 0, (size_t)(g.padded - g.used));
    p = ew_pixel_next(&s, p);
  }
}

#endif
