/* One row of 8-bit numbers times few columns. Blocks of 16 columns would be mostly zeros here, so a
   vector of weights holds 16 rows of 4 columns: each lane sums one part of its column. */
#ifndef EW_FULLY_CONNECTED_FEW_Q8_H
#define EW_FULLY_CONNECTED_FEW_Q8_H
#include "conv_rows.h"
#include "requantize.h"

enum { EW_FEW_COLUMNS = 8 };

/* x[16] times w [4][16], added to the sums of four columns, four lanes each. */
#if defined(EW_HAS_DOT_LINES)
EW_INLINE ew_i32x16 ew_few_dot(ew_i32x16 acc, const uint8_t *x, const int8_t *w, const int flip) {
  return ew_dot4(acc, ew_dot_load_lines(x, flip ? -128 : 0), ew_dot_load_w(w));
}
#else
EW_INLINE ew_i32x16 ew_few_dot(ew_i32x16 acc, const uint8_t *x, const int8_t *w, const int flip) {
  int32_t sums[16];
  ew_i32_store(sums, acc);
  EW_ROLLED for (int c = 0; c < 4; ++c, w += 16)
    for (int k = 0; k < 16; ++k)
      sums[4 * c] = ew_add_wrap(sums[4 * c], (flip ? x[k] ^ 128 : x[k]) * w[k]);
  return ew_i32_load(sums);
}
#endif

/* The sums of four columns: int32 [4][4]. */
EW_INLINE void ew_few_columns(const uint8_t *x, int32_t depth, const int8_t *w, const int flip,
                              int32_t *parts) {
  ew_i32x16 acc[4];
  int32_t k = 0;
  EW_UNROLL for (int i = 0; i < 4; ++i) acc[i] = ew_i32_dup(0);
  for (; k + 64 <= depth; k += 64, w += 256)
    EW_UNROLL for (int i = 0; i < 4; ++i)
      acc[i] = ew_few_dot(acc[i], x + k + 16 * i, w + 64 * i, flip);
  for (; k + 16 <= depth; k += 16, w += 64) acc[0] = ew_few_dot(acc[0], x + k, w, flip);
  if (k < depth) {
    uint8_t last[16] = {0}; /* times weights that are zeros */
    EW_ROLLED for (int32_t i = 0; i < depth - k; ++i) last[i] = x[k + i];
    acc[0] = ew_few_dot(acc[0], last, w, flip);
  }
  acc[0] = ew_i32_add(ew_i32_add(acc[0], acc[1]), ew_i32_add(acc[2], acc[3]));
  ew_i32_store(parts, acc[0]);
}

/* y[columns] = requantize(x[depth] * w), columns <= EW_FEW_COLUMNS; w from pack_few_q8, the other
   arguments as ew_conv_s8. */
EW_INLINE void ew_few_q8(int32_t depth, int32_t columns, const int mode, const uint8_t *x,
                         const int8_t *w, const int32_t *channels, const ew_q8_params *params,
                         uint8_t *y, const int is_signed) {
  int32_t parts[4 * EW_FEW_COLUMNS], sums[16] = {0};
  const ptrdiff_t step = 4 * (ptrdiff_t)ew_round_up(depth, 16);
  for (int32_t c = 0; c < columns; c += 4, w += step)
    ew_few_columns(x, depth, w, is_signed == EW_DOT_US, parts + 4 * c);
  for (int32_t c = 0; c < columns; ++c) {
    const int32_t *const p = parts + 4 * c;
    sums[c] = ew_add_wrap(ew_add_wrap(p[0], p[1]), ew_add_wrap(p[2], p[3]));
  }
  const ew_i32x16 all = ew_i32_add(ew_i32_load(channels), ew_i32_load(sums));
  ew_finish_q8(all, ew_q8_load_scale(channels, mode), params, (const uint8_t *)0, y, columns,
               is_signed, mode);
}

#define EW_FULLY_CONNECTED_FEW(suffix, type, is_signed) \
  EW_INLINE void ew_fully_connected_few_##suffix( \
      int32_t depth, int32_t columns, const int mode, const type *x, const int8_t *w, \
      const int32_t *channels, const int32_t *params, type *y) { \
    ew_few_q8(depth, columns, mode, (const uint8_t *)x, w, channels, \
              (const ew_q8_params *)(const void *)params, (uint8_t *)y, is_signed); \
  }
EW_FULLY_CONNECTED_FEW(s8, int8_t, 1)
EW_FULLY_CONNECTED_FEW(u8, uint8_t, 0)

#endif
