/* 8-bit product of a matrix with packed weights. */
#ifndef EW_FULLY_CONNECTED_Q8_H
#define EW_FULLY_CONNECTED_Q8_H
#include "conv_q8.h"

#if defined(EW_HAS_BYTES_JOIN)
/* 16 * blocks columns of one row, in mode float. The row is read where it lies: its bytes are
   brought to the dot product's type, by inverting their highest bit, as they are used. */
EW_INLINE void ew_row_q8_part(const uint8_t *x, int32_t depth, const int8_t *w,
                              const int32_t *channels, const ew_q8_params *p, uint8_t *y,
                              const int is_signed, const int blocks) {
  const ptrdiff_t w_block = 16 * (ptrdiff_t)depth;
  const ew_i32x16 flip = ew_i32_dup(is_signed == EW_DOT_US ? (int32_t)0x80808080u : 0);
  const ew_bytes lo = ew_bytes_dup((int8_t)p->lo), hi = ew_bytes_dup((int8_t)p->hi);
  const ew_bytes zero = ew_words_dup((int16_t)p->y_zero);
  ew_i32x16 acc[8];
  EW_UNROLL for (int j = 0; j < blocks; ++j) acc[j] = ew_i32_load(channels + 32 * j);
  for (ptrdiff_t k = 0; k < depth; k += 4, w += 64) {
    const ew_dot_x four = ew_i32_xor(ew_dot_load_x(x + k), flip);
    EW_UNROLL for (int j = 0; j < blocks; ++j)
      acc[j] = ew_dot4(acc[j], four, ew_dot_load_w(w + j * w_block));
  }
  EW_UNROLL for (int j = 0; j < blocks; ++j) {
    const ew_q8_scale scale = ew_q8_load_scale(channels + 32 * j, EW_REQUANT_FLOAT);
    acc[j] = ew_tile_q8_value(acc[j], scale, p, EW_REQUANT_FLOAT);
  }
  EW_UNROLL for (int j = 0; j < blocks; j += 4) {
    const ew_bytes all = ew_bytes_join(acc + j, zero, is_signed);
    ew_bytes_store(y + 16 * j, ew_bytes_limit(all, lo, hi, is_signed));
  }
}

#define EW_ROW_Q8(suffix, is_signed) \
  EW_KERNEL void ew_row_##suffix(const uint8_t *x, int32_t depth, int32_t columns, const int8_t *w, \
                                 const int32_t *channels, const ew_q8_params *p, uint8_t *y) { \
    int32_t n = 0; \
    for (; n + 128 <= columns; n += 128, w += 128 * (ptrdiff_t)depth, channels += 256) \
      ew_row_q8_part(x, depth, w, channels, p, y + n, is_signed, 8); \
    if (n < columns) ew_row_q8_part(x, depth, w, channels, p, y + n, is_signed, 4); \
  }
EW_ROW_Q8(s8, 1)
EW_ROW_Q8(u8, 0)
/* How many columns of a product these take. */
EW_INLINE int32_t ew_row_q8_columns(int32_t rows, int32_t depth, int32_t columns,
                                    const int32_t mode, const int32_t weight_zero,
                                    const void *skip) {
  const int fits = rows == 1 && depth % 4 == 0 && mode == EW_REQUANT_FLOAT && !weight_zero && !skip;
  return fits ? columns / 64 * 64 : 0;
}
#define EW_FULLY_CONNECTED_ROW(suffix) \
  const int32_t done = ew_row_q8_columns(rows, depth, columns, mode, weight_zero, skip); \
  if (done) \
    ew_row_##suffix((const uint8_t *)x, depth, done, w, channels, (const ew_q8_params *)params, \
                    (uint8_t *)y); \
  if (done == columns) return; \
  w += done * (ptrdiff_t)depth; \
  channels += done / 16 * (ptrdiff_t)(16 * ew_q8_channel_rows(mode)); \
  y += done; \
  columns -= done;
#else
#define EW_FULLY_CONNECTED_ROW(suffix)
#endif

/* y[rows, columns] = requantize(x[rows, depth] * w); arguments as ew_conv_s8. */
EW_INLINE void ew_fully_connected_s8(int32_t rows, int32_t depth, int32_t columns,
                                     const int32_t mode, const int32_t weight_zero,
                                     const int8_t *x, const int8_t *w, const int32_t *channels,
                                     const int32_t *params, const int8_t *skip, int8_t *y,
                                     void *scratch) {
  EW_FULLY_CONNECTED_ROW(s8)
  ew_conv_s8(ew_matrix_shape(rows, depth, columns), mode, weight_zero, x, w, channels, params,
             skip, y, scratch);
}
EW_INLINE void ew_fully_connected_u8(int32_t rows, int32_t depth, int32_t columns,
                                     const int32_t mode, const int32_t weight_zero,
                                     const uint8_t *x, const int8_t *w, const int32_t *channels,
                                     const int32_t *params, const uint8_t *skip, uint8_t *y,
                                     void *scratch) {
  EW_FULLY_CONNECTED_ROW(u8)
  ew_conv_u8(ew_matrix_shape(rows, depth, columns), mode, weight_zero, x, w, channels, params,
             skip, y, scratch);
}

#endif
