/* 8-bit convolution, channels last, with requantisation, residual and clamp. */
#ifndef EW_CONV_Q8_H
#define EW_CONV_Q8_H
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
} ew_conv_q8_plan;

/* Rows are used in place only where they are whole, and of the dot product's own type. */
EW_INLINE ew_conv_q8_plan ew_conv_q8_plan_of(const ew_conv_shape s, const ew_q8_variant v) {
  ew_conv_q8_plan p;
  p.pixels = s.batch * s.out_h * s.out_w;
  p.first = 0;
  p.columns = s.out_c / s.groups;
  p.channels = s.in_c / s.groups;
  p.depth = s.kernel_h * s.kernel_w * p.channels;
  p.padded = ew_round_up(p.depth, 4);
  p.flip = v.is_signed == EW_DOT_US ? 0x8080808080808080u : 0;
  p.gathers = p.flip != 0 || p.padded != p.depth || !ew_conv_is_matrix(s);
  p.row_bytes = ew_round_up(p.depth, 64);
  p.block = ew_conv_block_of(s, p.padded, p.columns, EW_Q8_ROWS);
  return p;
}

/* Makes the row pointers of one tile; scratch holds the pointers, the sums, and the rows. */
EW_INLINE void ew_conv_q8_rows(const ew_conv_shape s, const ew_conv_q8_plan p,
                               const ew_q8_variant v, const uint8_t *x, ew_tile_q8 *t, int32_t m,
                               char *scratch) {
  const int32_t pointer_bytes = ew_round_up(EW_Q8_ROWS * (int32_t)sizeof(void *), 64);
  const void **const rows = (const void **)scratch;
  int32_t *const sums = (int32_t *)(scratch + pointer_bytes);
  char *const gathered = scratch + pointer_bytes + 64;
  if (p.gathers) {
    const uint8_t fill = (uint8_t)t->params->x_zero;
    const ew_gather g = {s.in_c, p.channels, p.row_bytes, p.depth, p.padded, fill, p.flip};
    if (!EW_SMALL && ew_conv_is_matrix(s)) ew_gather_matrix(g, (const char *)x, m, t->m, gathered);
    else ew_gather_rows(s, g, x, m, t->m, gathered);
    ew_point_matrix(gathered, p.row_bytes, t->m, EW_Q8_ROWS, rows);
  } else {
    ew_point_matrix(x + (ptrdiff_t)m * s.in_c, s.in_c, t->m, EW_Q8_ROWS, rows);
  }
  t->rows = (const void *const *)rows;
  if (v.weight_zero) ew_row_sums_q8(t->rows, p.depth, sums);
  t->sums = v.weight_zero ? sums : (const int32_t *)0;
}

EW_INLINE void ew_conv_q8_group(const ew_conv_shape s, const ew_conv_q8_plan p,
                                const ew_q8_variant v, const uint8_t *x, ew_tile_q8 t,
                                void *scratch) {
  const ew_tile_q8 first = t;
  const int32_t step = ew_tile_q8_columns(p.pixels);
  for (int32_t m0 = p.first; m0 < p.pixels; m0 += p.block)
    for (int32_t n = 0; n < p.columns; n += step) {
      const int32_t end = ew_min_i32(p.pixels, m0 + p.block);
      t.n = ew_min_i32(p.columns - n, step);
      t.w = first.w + (n / 16) * t.w_block;
      t.channels = first.channels + (ptrdiff_t)n * ew_q8_channel_rows(v.mode);
      for (int32_t m = m0; m < end; m += EW_Q8_ROWS) {
        const ptrdiff_t at = m * t.y_row + n;
        t.m = ew_min_i32(end - m, EW_Q8_ROWS);
        if (n == 0 || p.block > EW_Q8_ROWS) ew_conv_q8_rows(s, p, v, x, &t, m, scratch);
        t.y = first.y + at;
        t.skip = first.skip ? first.skip + at : first.skip;
        ew_tile_q8_run(&t, v);
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
  for (int32_t g = 0; g < s.groups; ++g) {
    const ew_tile_q8 t = {.w = w + g * blocks * w_block,
                          .channels = channels + g * blocks * channels_block,
                          .params = params,
                          .skip = skip ? skip + g * p.columns : skip,
                          .y = y + g * p.columns,
                          .w_block = w_block,
                          .y_row = s.out_c,
                          .depth = p.padded,
                          .variant = v};
    ew_conv_q8_group(s, p, v, x + g * p.channels, t, scratch);
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
   y [batch, out_h, out_w, out_c]. scratch: conv_scratch_bytes(…) bytes, aligned to 64. */
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
