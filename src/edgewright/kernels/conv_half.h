/* float32 convolution and product of matrices with weights that are stored in 16 bits. */
#ifndef EW_CONV_HALF_H
#define EW_CONV_HALF_H
#include "conv_rows.h"
#include "tile_half.h"

/* Sizes that follow from the shape. Windows of few channels are gathered into whole rows. */
typedef struct ew_half_plan {
  int32_t pixels, columns, channels; /* M; output and input channels of one group */
  int32_t first;                     /* of the pixels: not 0 where threads share them */
  int32_t taps, depth, gathers;
  int32_t x_bytes;                   /* of a number of x */
  int32_t block;                     /* see ew_conv_block */
  int32_t pad_bytes, rows_bytes;     /* parts of the scratch memory */
} ew_half_plan;

EW_INLINE ew_half_plan ew_half_plan_of(const ew_conv_shape s, const int stored) {
  ew_half_plan p;
  p.x_bytes = stored == EW_STORED_PAIRS ? 2 : 4;
  const int32_t window = s.kernel_h * s.kernel_w;
  p.pixels = s.batch * s.out_h * s.out_w;
  p.first = 0;
  p.columns = s.out_c / s.groups;
  p.channels = s.in_c / s.groups;
  p.gathers = window > 1 && p.channels < 16;
  p.taps = p.gathers ? 1 : window;
  p.depth = p.gathers ? window * p.channels : p.channels;
  p.block = ew_conv_block((int64_t)p.taps * p.depth * p.x_bytes, p.columns, EW_F32_ROWS);
  p.pad_bytes = ew_round_up(p.channels * p.x_bytes, 64);
  p.rows_bytes = ew_round_up(p.taps * EW_F32_ROWS * (int32_t)sizeof(void *), 64);
  return p;
}

/* Makes the row pointers of one tile; scratch holds the padding, the pointers, what is gathered. */
EW_INLINE const void *const *ew_half_rows(const ew_conv_shape s, const ew_half_plan p,
                                          const void *x, int32_t m, int32_t count,
                                          void *scratch) {
  const void **const rows = (const void **)((char *)scratch + p.pad_bytes);
  char *const gathered = (char *)scratch + p.pad_bytes + p.rows_bytes;
  const int32_t pixel_bytes = s.in_c * p.x_bytes, row_bytes = p.depth * p.x_bytes;
  if (p.gathers) {
    const ew_gather g = {pixel_bytes, p.channels * p.x_bytes, row_bytes, row_bytes, row_bytes, 0, 0};
    ew_gather_rows(s, g, x, m, count, gathered);
    ew_point_matrix(gathered, row_bytes, count, EW_F32_ROWS, rows);
  } else if (ew_conv_is_matrix(s)) {
    ew_point_matrix((const char *)x + (ptrdiff_t)m * pixel_bytes, pixel_bytes, count, EW_F32_ROWS, rows);
  } else {
    ew_point_rows(&s, x, pixel_bytes, scratch, m, count, EW_F32_ROWS, rows);
  }
  return (const void *const *)rows;
}

EW_INLINE void ew_half_group(const ew_conv_shape s, const ew_half_plan p, const int stored,
                             const void *x, ew_tile_h16 t, void *scratch) {
  const ew_tile_h16 first = t;
  const int32_t step = p.pixels - p.first == 1 ? p.columns : 16 * EW_F32_BLOCKS;
  for (int32_t m0 = p.first; m0 < p.pixels; m0 += p.block)
    for (int32_t n = 0; n < p.columns; n += step) {
      const int32_t end = ew_min_i32(p.pixels, m0 + p.block);
      t.n = ew_min_i32(p.columns - n, step);
      t.w = first.w + (n / 16) * t.w_block;
      t.bias = first.bias + n;
      for (int32_t m = m0; m < end; m += EW_F32_ROWS) {
        const ptrdiff_t at = m * t.y_row + n;
        t.m = ew_min_i32(end - m, EW_F32_ROWS);
        if (n == 0 || p.block > EW_F32_ROWS) t.rows = ew_half_rows(s, p, x, m, t.m, scratch);
        t.y = first.y + at;
        t.skip = first.skip ? first.skip + at : first.skip;
        ew_tile_h16_run(t, stored);
      }
    }
}

EW_INLINE void ew_half_planned(const ew_conv_shape s, const ew_half_plan p, const int stored,
                               const void *x, const uint16_t *w, const float *bias,
                               const float *skip, float lo, float hi, float *y, void *scratch) {
  const int32_t blocks = (p.columns + 15) / 16;
  const ptrdiff_t w_block = (ptrdiff_t)p.taps * p.depth * 16;
  __builtin_memset(scratch, 0, (size_t)p.pad_bytes);
  for (int32_t g = 0; g < s.groups; ++g) {
    const ew_tile_h16 t = {.w = w + g * blocks * w_block,
                            .bias = bias + (ptrdiff_t)g * blocks * 16,
                            .skip = skip ? skip + g * p.columns : skip,
                            .y = y + g * p.columns,
                            .w_block = w_block,
                            .y_row = s.out_c,
                            .taps = p.taps,
                            .depth = p.depth,
                            .lo = lo,
                            .hi = hi};
    ew_half_group(s, p, stored, (const char *)x + (ptrdiff_t)g * p.channels * p.x_bytes, t,
                  scratch);
  }
}

/* y = clamp(conv(x, w) + bias + skip, lo, hi)

   x [batch, in_h, in_w, in_c]; w and bias from pack_f32 (one after the other for each group), w
   then narrowed; skip as y, or null, and may be y; y [batch, out_h, out_w, out_c].
   scratch: half_scratch_bytes(...) bytes, aligned to 64. */
#define EW_CONV_HALF(form, type, stored)                                                          \
  EW_DRIVER void ew_conv_##form(const ew_conv_shape s, const type *x, const uint16_t *w,          \
                                const float *bias, const float *skip, float lo, float hi,         \
                                float *y, void *scratch) {                                        \
    ew_half_planned(s, ew_half_plan_of(s, stored), stored, x, w, bias, skip, lo, hi, y, scratch); \
  }
EW_CONV_HALF(f16, float, EW_STORED_F16)
EW_CONV_HALF(bf16, float, EW_STORED_BF16)
/* x in bfloat16, too; an even number of channels of each group, 16 at least. */
EW_CONV_HALF(pairs, uint16_t, EW_STORED_PAIRS)

#endif
