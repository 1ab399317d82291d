/* Products of two 8-bit matrices that are both computed at run time: the second is packed first. */
#ifndef EW_MATMUL_Q_H
#define EW_MATMUL_Q_H
#include "fully_connected_q8.h"

/* Four rows of b from row k on, n <= 16 columns, as the dot product reads weights: [16][4]. */
EW_INLINE ew_i32x16 ew_matmul_q_four(const uint8_t *b, int32_t columns, int32_t left, int32_t n,
                                     const int32_t flip) {
  ew_i32x16 four = ew_i32_dup(0);
  for (int32_t i = 0; i < 4; ++i) {
    if (i >= left) break;
    const ew_i32x16 row = ew_load_8(b + (ptrdiff_t)i * columns, n, 0);
    four = ew_i32_or(four, ew_i32_shl(ew_i32_xor(row, ew_i32_dup(flip)), 8 * i));
  }
  return four;
}

/* Packs n <= 16 columns and returns their sums; rows beyond the last are zeros. */
EW_INLINE ew_i32x16 ew_matmul_q_pack(const uint8_t *b, int32_t inner, int32_t columns, int32_t n,
                                     const int32_t flip, int8_t *w) {
  static const uint8_t one[4] = {1, 1, 1, 1};
  const ew_dot_x ones = ew_dot_load_x(one);
  const ptrdiff_t step = 4 * (ptrdiff_t)columns;
  ew_i32x16 sum = ew_i32_dup(0);
  int32_t left = inner;
  for (; left >= 4; left -= 4, b += step, w += 64) {
    ew_i32_store((int32_t *)(void *)w, ew_matmul_q_four(b, columns, 4, n, flip));
    sum = ew_dot4(sum, ones, ew_dot_load_w(w));
  }
  if (left) {
    ew_i32_store((int32_t *)(void *)w, ew_matmul_q_four(b, columns, left, n, flip));
    sum = ew_dot4(sum, ones, ew_dot_load_w(w));
  }
  return sum;
}

/* The zero points of both operands in the dot product's types, and the factor of the result. */
typedef struct ew_matmul_q {
  int32_t a_zero, b_zero, flip; /* flip: what makes b signed */
  const int32_t *factor;
} ew_matmul_q;

/* Packs all columns, and writes their numbers as `pack_q8_channels` does. */
EW_KERNEL void ew_matmul_q_prepare(const uint8_t *b, int32_t inner, int32_t columns,
                                   const ew_matmul_q *q, const int mode, int8_t *w,
                                   int32_t *channels) {
  const int32_t fixed = ew_mul_wrap(inner, ew_mul_wrap(q->a_zero, q->b_zero));
  const ptrdiff_t w_block = 16 * (ptrdiff_t)ew_round_up(inner, 4);
  for (int32_t c = 0; c < columns; c += 16, b += 16, w += w_block) {
    const int32_t n = columns - c;
    const ew_i32x16 sum = n < 16 ? ew_matmul_q_pack(b, inner, columns, n, q->flip, w)
                                 : ew_matmul_q_pack(b, inner, columns, 16, q->flip, w);
    const ew_i32x16 part = ew_i32_mul(sum, ew_i32_dup(q->a_zero));
    ew_i32_store(channels, ew_i32_sub(ew_i32_dup(fixed), part));
    for (int32_t i = 1; i < ew_q8_channel_rows(mode); ++i)
      ew_i32_store(channels + 16 * i, ew_i32_dup(q->factor[i - 1]));
    channels += 16 * ew_q8_channel_rows(mode);
  }
}

/* y [rows, columns] from a [rows, inner] and b [inner, columns]; numbers are the zero points of a, b
   and y, lo, hi, and the factor: a scale as bits (mode float), or multiplier and shift. scratch:
   matmul_scratch_bytes(…) bytes, aligned to 64. Of the dot product's operands, a is unsigned where
   EW_DOT_US says so, and b always signed. */
#define EW_MATMUL_Q(suffix, type, is_signed) \
  EW_KERNEL void ew_matmul_##suffix(const type *a, const type *b, type *y, int32_t rows, \
                                    int32_t inner, int32_t columns, const int32_t *numbers, \
                                    const int mode, void *scratch) { \
    int32_t q[7]; \
    __builtin_memcpy(q, numbers, sizeof q); \
    const int32_t a_zero = is_signed == EW_DOT_US ? q[0] + (is_signed ? 128 : -128) : q[0]; \
    const int32_t b_zero = is_signed ? q[1] : q[1] - 128; \
    const ew_matmul_q p = {a_zero, b_zero, is_signed ? 0 : 128, q + 5}; \
    const ew_q8_params params = {.x_zero = q[0], .y_zero = q[2], .lo = q[3], .hi = q[4], \
                                 .x_sum_multiplier = -b_zero}; \
    const int32_t blocks = (columns + 15) / 16; \
    int8_t *const w = scratch; \
    int8_t *const after = w + 16 * (ptrdiff_t)blocks * ew_round_up(inner, 4); \
    int32_t *const channels = (int32_t *)(void *)after; \
    ew_matmul_q_prepare((const uint8_t *)b, inner, columns, &p, mode, w, channels); \
    ew_fully_connected_##suffix(rows, inner, columns, mode, b_zero != 0, a, w, channels, \
                                (const int32_t *)&params, (const type *)0, y, \
                                channels + 16 * blocks * ew_q8_channel_rows(mode)); \
  }
EW_MATMUL_Q(s8, int8_t, 1)
EW_MATMUL_Q(u8, uint8_t, 0)

#endif
