/* Where the rows of a convolution's implicit matrix lie: shared by all element types.

   A convolution is a product of an [M, taps * depth] matrix, which is never built, with packed
   weights. Row m is one output pixel; for each tap of the window it is `depth` elements that lie
   together in the input, or in a pad row. Where depth is too small or odd for the micro-kernels,
   the rows of one tile are gathered instead, and the whole window counts as one tap. */
#ifndef EW_CONV_ROWS_H
#define EW_CONV_ROWS_H
#include "ew.h"

typedef struct ew_conv_shape {
  int32_t batch, in_h, in_w, in_c, out_h, out_w, out_c;
  int32_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, pad_top, pad_left;
  int32_t groups;
} ew_conv_shape;

/* Weights up to this size stay in the second-level cache while all rows pass by; larger ones are
   taken a few columns at a time, for as many rows as fit there. */
#define EW_CONV_WEIGHTS_BYTES (256 * 1024)
#define EW_CONV_ROWS_BYTES (384 * 1024)

/* Sizes that follow from the shape. `step` is the multiple that a row's depth must have. */
typedef struct ew_conv_plan {
  int32_t pixels;     /* M */
  int32_t columns;    /* output channels of one group */
  int32_t channels;   /* input channels of one group */
  int32_t taps, depth;
  int32_t gather;     /* rows are copied: taps is 1 and depth the whole window, padded */
  int32_t block;      /* rows that pass before the next columns are taken */
  int32_t pad_bytes, rows_bytes, gather_bytes; /* the parts of the scratch memory */
} ew_conv_plan;

EW_INLINE int32_t ew_round_up(int32_t v, int32_t to) { return (v + to - 1) / to * to; }

EW_INLINE ew_conv_plan ew_conv_plan_of(const ew_conv_shape s, int32_t element_bytes, int32_t step,
                                       int32_t tile_rows) {
  ew_conv_plan p;
  const int32_t window = s.kernel_h * s.kernel_w;
  p.pixels = s.batch * s.out_h * s.out_w;
  p.columns = s.out_c / s.groups;
  p.channels = s.in_c / s.groups;
  p.gather = p.channels % step != 0 || (window > 1 && p.channels < 16);
  p.taps = p.gather ? 1 : window;
  p.depth = p.gather ? ew_round_up(window * p.channels, step) : p.channels;
  const int64_t row_bytes = (int64_t)p.taps * p.depth * element_bytes;
  const int64_t fit = EW_CONV_ROWS_BYTES / row_bytes / tile_rows * tile_rows;
  p.block = row_bytes * p.columns <= EW_CONV_WEIGHTS_BYTES || fit < tile_rows ? tile_rows
                                                                              : (int32_t)fit;
  p.pad_bytes = ew_round_up(p.channels * element_bytes, 64);
  p.rows_bytes = ew_round_up(p.taps * tile_rows * (int32_t)sizeof(void *), 64);
  p.gather_bytes = p.gather ? ew_round_up((int32_t)row_bytes, 64) * tile_rows : 0;
  return p;
}

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
EW_INLINE void ew_point_matrix(const void *x, ptrdiff_t row_bytes, int32_t count,
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

/* Copies one line of a window: kernel_w taps of `bytes` each. */
EW_INLINE void ew_gather_line(const ew_conv_shape s, const char *line, int32_t ix,
                              int32_t pixel_bytes, int32_t bytes, const void *pad, char *to) {
  if (s.dilation_w == 1 && pixel_bytes == bytes && ix >= 0 && ix + s.kernel_w <= s.in_w) {
    __builtin_memcpy(to, line + (ptrdiff_t)ix * bytes, (size_t)(s.kernel_w * bytes));
    return;
  }
  for (int32_t kx = 0; kx < s.kernel_w; ++kx, to += bytes) {
    const int32_t x = ix + kx * s.dilation_w;
    const int inside = (uint32_t)x < (uint32_t)s.in_w;
    __builtin_memcpy(to, inside ? line + (ptrdiff_t)x * pixel_bytes : (const char *)pad, (size_t)bytes);
  }
}

/* Copies the windows of `count` pixels, each to `row_bytes`, the last bytes of which are zero. */
EW_INLINE void ew_gather_rows(const ew_conv_shape s, const void *x, int32_t pixel_bytes,
                              int32_t bytes, const void *pad, int32_t m, int32_t count,
                              int32_t row_bytes, char *to) {
  const int32_t line_bytes = s.kernel_w * bytes, used = s.kernel_h * line_bytes;
  ew_pixel p = ew_pixel_of(&s, m);
  for (int32_t i = 0; i < count; ++i, to += row_bytes) {
    const int32_t iy = p.oy * s.stride_h - s.pad_top, ix = p.ox * s.stride_w - s.pad_left;
    for (int32_t ky = 0; ky < s.kernel_h; ++ky) {
      const int32_t y = iy + ky * s.dilation_h;
      const ptrdiff_t line = ((ptrdiff_t)p.image * s.in_h + y) * s.in_w * pixel_bytes;
      if ((uint32_t)y < (uint32_t)s.in_h) {
        ew_gather_line(s, (const char *)x + line, ix, pixel_bytes, bytes, pad,
                       to + ky * line_bytes);
        continue;
      }
      for (int32_t kx = 0; kx < s.kernel_w; ++kx)
        __builtin_memcpy(to + ky * line_bytes + kx * bytes, pad, (size_t)bytes);
    }
    for (int32_t k = used; k < row_bytes; ++k) to[k] = 0;
    p = ew_pixel_next(&s, p);
  }
}

/* Makes the row pointers of one tile, gathering where the plan says so. */
EW_INLINE void ew_conv_tile_rows(const ew_conv_shape s, const ew_conv_plan p, const void *x,
                                 int32_t element_bytes, const void *pad, int32_t m, int32_t count,
                                 int32_t tile_rows, const void **rows, char *gathered) {
  const int32_t pixel_bytes = s.in_c * element_bytes;
  if (p.gather) {
    const int32_t row_bytes = p.depth * element_bytes;
    ew_gather_rows(s, x, pixel_bytes, p.channels * element_bytes, pad, m, count, row_bytes,
                   gathered);
    ew_point_matrix(gathered, row_bytes, count, tile_rows, rows);
  } else if (ew_conv_is_matrix(s)) {
    ew_point_matrix((const char *)x + (ptrdiff_t)m * pixel_bytes, pixel_bytes, count, tile_rows,
                    rows);
  } else {
    ew_point_rows(&s, x, pixel_bytes, pad, m, count, tile_rows, rows);
  }
}

#endif
