/* 8-bit convolution, channels last, with requantisation, residual and clamp. */
#ifndef EW_CONV_Q8_H
#define EW_CONV_Q8_H
#include "conv_rows.h"
#include "tile_q8.h"

/* What stays the same for a whole call and decides which code runs; all constants. */
typedef struct ew_q8_variant {
  int32_t is_signed;    /* int8 or uint8 */
  int32_t mode;         /* EW_REQUANT_… */
  int32_t weight_zero;  /* weights may have a zero point: row sums of x are needed */
} ew_q8_variant;

EW_INLINE void ew_conv_q8_group(const ew_conv_shape s, const ew_conv_plan p, const ew_q8_variant v,
                                const uint8_t *x, ew_tile_q8 t, void *scratch) {
  const void *const pad = scratch;
  const void **const rows = (const void **)((char *)scratch + p.pad_bytes);
  char *const gathered = (char *)scratch + p.pad_bytes + p.rows_bytes;
  int32_t *const sums = (int32_t *)(gathered + p.gather_bytes);
  const int32_t real_depth = p.gather ? s.kernel_h * s.kernel_w * p.channels : p.depth;
  const ew_tile_q8 first = t;
  const int32_t step = ew_tile_q8_columns(p.pixels);
  t.rows = (const void *const *)rows;
  t.sums = v.weight_zero ? sums : (const int32_t *)0;
  for (int32_t m0 = 0; m0 < p.pixels; m0 += p.block)
    for (int32_t n = 0; n < p.columns; n += step) {
      const int32_t end = ew_min_i32(p.pixels, m0 + p.block);
      t.n = ew_min_i32(p.columns - n, step);
      t.w = first.w + (n / 16) * t.w_block;
      t.channels = first.channels + (ptrdiff_t)n * ew_q8_channel_rows(v.mode);
      for (int32_t m = m0; m < end; m += EW_Q8_ROWS) {
        const ptrdiff_t at = m * t.y_row + n;
        t.m = ew_min_i32(end - m, EW_Q8_ROWS);
        if (n == 0 || p.block > EW_Q8_ROWS) {
          ew_conv_tile_rows(s, p, x, 1, pad, m, t.m, EW_Q8_ROWS, rows, gathered);
          if (v.weight_zero)
            (v.is_signed ? ew_row_sums_s8 : ew_row_sums_u8)(t.rows, p.taps, real_depth, sums);
        }
        t.y = first.y + at;
        t.skip = first.skip ? first.skip + at : first.skip;
        ew_tile_q8_run(&t, v.is_signed, v.mode);
      }
    }
}

EW_INLINE void ew_conv_q8(const ew_conv_shape s, const ew_q8_variant v, const uint8_t *x,
                          const int8_t *w, const int32_t *channels, const ew_q8_params *params,
                          const uint8_t *skip, uint8_t *y, void *scratch) {
  const ew_conv_plan p = ew_conv_plan_of(s, 1, 4, EW_Q8_ROWS);
  const int32_t blocks = (p.columns + 15) / 16;
  const ptrdiff_t w_block = (ptrdiff_t)p.taps * p.depth * 16;
  const ptrdiff_t channels_block = 16 * ew_q8_channel_rows(v.mode);
  __builtin_memset(scratch, params->x_zero, (size_t)p.pad_bytes);
  for (int32_t g = 0; g < s.groups; ++g) {
    const ew_tile_q8 t = {.w = w + g * blocks * w_block,
                          .channels = channels + g * blocks * channels_block,
                          .params = params,
                          .skip = skip ? skip + g * p.columns : skip,
                          .y = y + g * p.columns,
                          .w_block = w_block,
                          .y_row = s.out_c,
                          .taps = p.taps,
                          .depth = p.depth};
    ew_conv_q8_group(s, p, v, x + g * p.channels, t, scratch);
  }
}

/* y = conv(x, w), requantised; then, with skip, the quantised sum of both.

   x [batch, in_h, in_w, in_c]; w from pack_q8; channels from pack_q8_channels (both one after the
   other for each group); params from pack_q8_params (ew_q8_params); mode EW_REQUANT_…;
   weight_zero: 1 if params.x_sum_multiplier may be other than 0; skip as y, or null, may be y;
   y [batch, out_h, out_w, out_c]. scratch: conv_scratch_bytes(…) bytes, aligned to 64. */
EW_INLINE void ew_conv_s8(const ew_conv_shape s, const int32_t mode, const int32_t weight_zero,
                          const int8_t *x, const int8_t *w, const int32_t *channels,
                          const int32_t *params, const int8_t *skip, int8_t *y, void *scratch) {
  ew_conv_q8(s, (ew_q8_variant){1, mode, weight_zero}, (const uint8_t *)x, w, channels,
             (const ew_q8_params *)params, (const uint8_t *)skip, (uint8_t *)y, scratch);
}
EW_INLINE void ew_conv_u8(const ew_conv_shape s, const int32_t mode, const int32_t weight_zero,
                          const uint8_t *x, const int8_t *w, const int32_t *channels,
                          const int32_t *params, const uint8_t *skip, uint8_t *y, void *scratch) {
  ew_conv_q8(s, (ew_q8_variant){0, mode, weight_zero}, x, w, channels,
             (const ew_q8_params *)params, skip, y, scratch);
}

#endif
