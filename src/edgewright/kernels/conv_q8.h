/* 8-bit convolution, channels last, with requantisation, residual and clamp. */
#ifndef EW_CONV_Q8_H
#define EW_CONV_Q8_H
#include "conv_eight_q8.h"
#include "conv_rows.h"
#include "tile_q8.h"

/* Sizes that follow from the shape. */
typedef struct ew_conv_q8_plan {
  int32_t pixels, columns, channels; /* M; output and input channels of one group */
  int32_t first;                     /* of the pixels: not 0 where threads share them */
  int32_t depth, padded;             /* bytes of a row, and with what fills the last four */
  int32_t gathers;
  int32_t row_bytes;                 /* distance of gathered rows */
  int32_t block;                     /* see ew_conv_block */
  uint64_t flip;
  int32_t held;                      /* gathered rows that there is room for */
  int32_t image, image_w;            /* whether the image is copied, and pixels of its lines */
  int32_t taps, tap_bytes;           /* of a window that is read from the image in place, */
  int32_t copies;                    /* which it is not: four bytes would be of two taps */
  int32_t tap_used;                  /* of tap_bytes: others have weights of zero */
} ew_conv_q8_plan;

/* Whether there is memory for more than one tile's rows: on x86, where linear_emit._copies_q8
   reserves it. */
#define EW_CONV_Q8_COPIES (EW_DOT_US && !EW_SMALL)

/* Windows are read from a copy of the image that has its padding and the dot product's own type:
   every pixel is copied once, and not for each window. packing.q8_image_bytes says the same. */
EW_INLINE int ew_conv_q8_copies_image(const ew_conv_shape s) {
  return EW_CONV_Q8_COPIES && s.kernel_h * s.kernel_w > 1 && s.batch == 1;
}

/* Rows of a matrix are copied as they are, one behind the other. */
EW_INLINE int ew_conv_q8_copies_matrix(const ew_conv_shape s) {
  return !EW_SMALL && ew_conv_is_matrix(s) && s.groups == 1 && s.in_c % 4 == 0;
}

/* Rows are used in place only where they are whole, and of the dot product's own type. */
EW_INLINE ew_conv_q8_plan ew_conv_q8_plan_of(const ew_conv_shape s, const ew_q8_variant v) {
  ew_conv_q8_plan p = {0};
  p.pixels = s.batch * s.out_h * s.out_w;
  p.columns = s.out_c / s.groups;
  p.channels = s.in_c / s.groups;
  p.depth = s.kernel_h * s.kernel_w * p.channels;
  p.padded = s.line ? s.kernel_h * s.line : ew_round_up(p.depth, 4);
  p.flip = v.is_signed == EW_DOT_US ? 0x8080808080808080u : 0;
  p.gathers = p.flip != 0 || p.padded != p.depth || !ew_conv_is_matrix(s);
  p.row_bytes = ew_conv_q8_copies_matrix(s) ? p.depth : ew_round_up(p.depth, 64);
  p.block = ew_conv_block_of(s, p.padded, p.columns, EW_Q8_ROWS);
  p.held = EW_Q8_ROWS;
  p.image = ew_conv_q8_copies_image(s);
  p.image_w = (s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1;
  p.taps = s.dilation_w == 1 && s.groups == 1 ? s.kernel_h : s.kernel_h * s.kernel_w;
  p.tap_used = p.depth / p.taps;
  p.tap_bytes = s.line ? s.line : p.tap_used;
  p.copies = p.image && p.tap_bytes % 4 != 0;
  if (!p.image || p.copies) {
    p.taps = 1;
    p.tap_used = p.depth;
  }
  /* Where columns are outside, rows are gathered once for all of them, if there is room. */
  if (EW_CONV_Q8_COPIES && !p.image && (int64_t)p.padded * p.columns > EW_CONV_WEIGHTS_BYTES &&
      p.block <= EW_CONV_ROWS_BYTES / p.row_bytes)
    p.held = p.block;
  return p;
}

/* The lines of the image that the windows of some pixels reach. */
EW_INLINE void ew_conv_q8_copy_image(const ew_conv_shape s, const ew_conv_q8_plan p,
                                     const uint8_t *x, const uint8_t fill, char *image) {
  const int32_t line_bytes = p.image_w * s.in_c;
  const int32_t last = (p.pixels - 1) / s.out_w * s.stride_h + (s.kernel_h - 1) * s.dilation_h;
  for (int32_t iy = p.first / s.out_w * s.stride_h; iy <= last; ++iy) {
    char *const line = image + (ptrdiff_t)iy * line_bytes;
    const int32_t y = iy - s.pad_top;
    if ((uint32_t)y >= (uint32_t)s.in_h)
      __builtin_memset(line, fill ^ (uint8_t)p.flip, (size_t)line_bytes);
    else
      ew_copy_line(line, (const char *)x + (ptrdiff_t)y * s.in_w * s.in_c, s.in_w, s.pad_left,
                   p.image_w, s.in_c, fill, p.flip);
  }
}

/* Points at the windows of a tile in the image, or copies them where four bytes are no pixels. */
EW_INLINE void ew_conv_q8_windows(const ew_conv_shape s, const ew_conv_q8_plan p, ew_tile_q8 *t,
                                  const char *image, int32_t m, const void **rows, char *to) {
  const ptrdiff_t line = (ptrdiff_t)p.image_w * s.in_c;
  ew_pixel q = ew_pixel_of(&s, m);
  for (int32_t i = 0; i < EW_Q8_ROWS; ++i) {
    const char *from = image + q.oy * s.stride_h * line + q.ox * s.stride_w * s.in_c;
    if (p.copies) {
      rows[i] = to + (i < t->m ? i : t->m - 1) * p.row_bytes;
      if (i < t->m) ew_copy_window(s, p.channels, line, from, to + i * p.row_bytes);
    } else if (p.taps == s.kernel_h) {
      for (int32_t ky = 0; ky < s.kernel_h; ++ky)
        rows[ky * EW_Q8_ROWS + i] = from + ky * s.dilation_h * line;
    } else {
      for (int32_t k = 0; k < p.taps; ++k)
        rows[k * EW_Q8_ROWS + i] = from + k / s.kernel_w * s.dilation_h * line +
                                   k % s.kernel_w * s.dilation_w * s.in_c;
    }
    if (i + 1 < t->m) q = ew_pixel_next(&s, q);
  }
}

/* The parts of the scratch memory: pointers, the sums, the image, the gathered rows. */
typedef struct ew_conv_q8_memory {
  const void **rows;
  int32_t *sums;
  char *image, *gathered;
} ew_conv_q8_memory;

EW_INLINE ew_conv_q8_memory ew_conv_q8_memory_of(const ew_conv_shape s, const ew_conv_q8_plan p,
                                                 void *scratch) {
  const int32_t pointers = (EW_CONV_Q8_COPIES ? s.kernel_h * s.kernel_w : 1) * EW_Q8_ROWS;
  char *const sums = (char *)scratch + ew_round_up(pointers * (int32_t)sizeof(void *), 64);
  const int32_t lines = (s.out_h - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1;
  const int32_t image_bytes = p.image ? ew_round_up(lines * p.image_w * s.in_c + 64, 64) : 0;
  return (ew_conv_q8_memory){(const void **)scratch, (int32_t *)(void *)sums, sums + 64,
                             sums + 64 + image_bytes};
}

EW_INLINE void ew_conv_q8_gather(const ew_conv_shape s, const ew_conv_q8_plan p, const uint8_t *x,
                                 const uint8_t fill, int32_t m, int32_t count, char *to) {
  const ew_gather g = {s.in_c, p.channels, p.row_bytes, p.depth, p.padded, fill, p.flip};
  if (!EW_SMALL && ew_conv_is_matrix(s)) ew_gather_matrix(g, (const char *)x, m, count, to);
  else ew_gather_rows(s, g, x, m, count, to);
}

/* Makes the row pointers of one tile; rows are gathered from `m0` on. */
EW_INLINE void ew_conv_q8_rows(const ew_conv_shape s, const ew_conv_q8_plan p,
                               const ew_q8_variant v, const uint8_t *x, ew_tile_q8 *t, int32_t m,
                               int32_t m0, const ew_conv_q8_memory at) {
  if (p.image) {
    ew_conv_q8_windows(s, p, t, at.image, m, at.rows, at.gathered);
  } else if (p.gathers) {
    char *const to = at.gathered + (p.held > EW_Q8_ROWS ? m - m0 : 0) * (ptrdiff_t)p.row_bytes;
    if (p.held <= EW_Q8_ROWS)
      ew_conv_q8_gather(s, p, x, (uint8_t)t->params->x_zero, m, t->m, to);
    ew_point_matrix(to, p.row_bytes, t->m, EW_Q8_ROWS, at.rows);
  } else {
    ew_point_matrix(x + (ptrdiff_t)m * s.in_c, s.in_c, t->m, EW_Q8_ROWS, at.rows);
  }
  t->rows = (const void *const *)at.rows;
  if (v.weight_zero)
    ew_row_sums_q8(t->rows, p.taps, p.tap_used, t->params->x_sum_multiplier, at.sums);
  t->sums = v.weight_zero ? at.sums : (const int32_t *)0;
}

EW_INLINE void ew_conv_q8_group(const ew_conv_shape s, const ew_conv_q8_plan p,
                                const ew_q8_variant v, const uint8_t *x, ew_tile_q8 t,
                                const ew_conv_q8_memory at) {
  const ew_tile_q8 first = t;
  const int32_t step = ew_tile_q8_columns(p.pixels);
  for (int32_t m0 = p.first; m0 < p.pixels; m0 += p.block) {
    const int32_t end = ew_min_i32(p.pixels, m0 + p.block);
    if (p.gathers && p.held > EW_Q8_ROWS)
      ew_conv_q8_gather(s, p, x, (uint8_t)t.params->x_zero, m0, end - m0, at.gathered);
    for (int32_t n = 0; n < p.columns; n += step) {
      t.n = ew_min_i32(p.columns - n, step);
      t.w = first.w + (n / 16) * t.w_block;
      t.channels = first.channels + (ptrdiff_t)n * ew_q8_channel_rows(v.mode);
      for (int32_t m = m0; m < end; m += EW_Q8_ROWS) {
        const ptrdiff_t to = m * t.y_row + n;
        t.m = ew_min_i32(end - m, EW_Q8_ROWS);
        if (n == 0 || p.block > EW_Q8_ROWS) ew_conv_q8_rows(s, p, v, x, &t, m, m0, at);
        t.y = first.y + to;
        t.skip = first.skip ? first.skip + to : first.skip;
        ew_tile_q8_run(&t, v);
      }
    }
  }
}

EW_INLINE void ew_conv_q8_planned(const ew_conv_shape s, const ew_conv_q8_plan p,
                                  const ew_q8_variant v, const uint8_t *x, const int8_t *w,
                                  const int32_t *channels, const ew_q8_params *params,
                                  const uint8_t *skip, uint8_t *y, void *scratch) {
  const int32_t blocks = (p.columns + 15) / 16;
  const ptrdiff_t w_block = (ptrdiff_t)p.padded * 16;
  const ptrdiff_t channels_block = 16 * ew_q8_channel_rows(v.mode);
  const ew_conv_q8_memory at = ew_conv_q8_memory_of(s, p, scratch);
  if (p.image) ew_conv_q8_copy_image(s, p, x, (uint8_t)params->x_zero, at.image);
#if EW_HAS_BYTES_PICK
  if (p.image && p.columns == 8 && ew_conv_eight_takes(s, skip)) {
    ew_conv_eight_q8(s, v, p.first, p.pixels, at.image, w, channels, params, y);
    return;
  }
#endif
  for (int32_t g = 0; g < s.groups; ++g) {
    const ew_tile_q8 t = {.w = w + g * blocks * w_block,
                          .channels = channels + g * blocks * channels_block,
                          .params = params,
                          .skip = skip ? skip + g * p.columns : skip,
                          .y = y + g * p.columns,
                          .w_block = w_block,
                          .y_row = s.out_c,
                          .taps = p.taps,
                          .depth = p.taps > 1 ? p.tap_bytes : p.padded,
                          .variant = v};
    ew_conv_q8_memory own = at;
    if (p.image) own.image += g * p.channels;
    ew_conv_q8_group(s, p, v, x + g * p.channels, t, own);
  }
}

EW_DRIVER void ew_conv_q8(const ew_conv_shape *shape, const ew_q8_variant v, const uint8_t *x,
                          const int8_t *w, const int32_t *channels, const ew_q8_params *params,
                          const uint8_t *skip, uint8_t *y, void *scratch) {
  const ew_conv_shape s = *shape;
  ew_conv_q8_planned(s, ew_conv_q8_plan_of(s, v), v, x, w, channels, params, skip, y, scratch);
}

/* y = conv(x, w), requantised; then, with skip, the quantised sum of both.

   x [batch, in_h, in_w, in_c]; w from pack_q8; channels from pack_q8_channels (both one after the
   other for each group); params from pack_q8_params (ew_q8_params); mode EW_REQUANT_…;
   weight_zero: 1 if params.x_sum_multiplier may be other than 0; skip as y, or null, may be y;
   y [batch, out_h, out_w, out_c]; s.line is what pack_q8 was given.
   scratch: conv_scratch_bytes(…) bytes, aligned to 64. */
EW_INLINE void ew_conv_s8(const ew_conv_shape s, const int32_t mode, const int32_t weight_zero,
                          const int8_t *x, const int8_t *w, const int32_t *channels,
                          const int32_t *params, const int8_t *skip, int8_t *y, void *scratch) {
  ew_conv_q8(&s, ew_q8_variant_of(1, mode, weight_zero, skip != 0), (const uint8_t *)x, w,
             channels, (const ew_q8_params *)params, (const uint8_t *)skip, (uint8_t *)y, scratch);
}
EW_INLINE void ew_conv_u8(const ew_conv_shape s, const int32_t mode, const int32_t weight_zero,
                          const uint8_t *x, const int8_t *w, const int32_t *channels,
                          const int32_t *params, const uint8_t *skip, uint8_t *y, void *scratch) {
  ew_conv_q8(&s, ew_q8_variant_of(0, mode, weight_zero, skip != 0), x, w, channels,
             (const ew_q8_params *)params, skip, y, scratch);
}

#endif
