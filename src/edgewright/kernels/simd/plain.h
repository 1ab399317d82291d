/* Tiles for cores that have nothing but a multiplier (Cortex-M0, M3, RV32IMC). */
#ifndef EW_SIMD_PLAIN_H
#define EW_SIMD_PLAIN_H

#define EW_LEAN_ROWS 2
#define EW_LEAN_CHANNELS 4
#define EW_LEAN_TOGETHER 1
#define EW_LEAN_SPREAD 0
typedef int8_t ew_lean_x;

/* acc [2 rows][16], of which 2 columns, = rows times columns; w [depth][2]. */
EW_KERNEL void ew_lean_dot_two(const ew_lean_x *x, const ew_lean_x *y, const int8_t *w,
                               int32_t depth, int32_t *acc) {
  const int8_t *const end = w + 2 * depth;
  int32_t a = 0, b = 0, c = 0, d = 0;
  do {
    const int32_t first = *w++, second = *w++, low = *x++, high = *y++;
    a = ew_add_wrap(a, low * first);
    b = ew_add_wrap(b, low * second);
    c = ew_add_wrap(c, high * first);
    d = ew_add_wrap(d, high * second);
  } while (w != end);
  acc[0] = a, acc[1] = b, acc[16] = c, acc[17] = d;
}
EW_INLINE void ew_lean_dot_rows(const ew_lean_x *const *rows, const int8_t *w, int32_t depth,
                                int32_t *acc) {
  ew_lean_dot_two(rows[0], rows[1], w, depth, acc);
}

EW_KERNEL void ew_lean_dot_row(const ew_lean_x *x, const int8_t *w, int32_t depth, int32_t *acc) {
  const int8_t *const end = w + 2 * depth;
  int32_t a = 0, b = 0;
  do {
    const int32_t v = *x++;
    a = ew_add_wrap(a, v * *w++);
    b = ew_add_wrap(b, v * *w++);
  } while (w != end);
  acc[0] = a, acc[1] = b;
}

/* Where a block of the ring of a depthwise convolution has channel c; copies n channels of a pixel to
   blocks that lie `block` numbers apart. */
EW_INLINE int32_t ew_lean_lane(int32_t c) { return c; }
EW_INLINE void ew_lean_line_copy(const uint8_t *from, int32_t n, int32_t flip, int32_t block,
                                 ew_lean_x *to) {
  for (int32_t i = 0; i < n; i += 4, to += block)
    for (int32_t c = 0; c < 4; ++c) to[c] = (int8_t)(from[i + c] ^ flip);
}

/* acc [4 channels] = the taps of a window of rows x columns, which starts `at` numbers into each row
   and whose columns lie `step` apart; returns the weights that follow. */
EW_INLINE const int16_t *ew_lean_taps(const ew_lean_x *const *from, int32_t at, int32_t step,
                                      int32_t rows, int32_t columns, const int16_t *w,
                                      int32_t *acc) {
  int32_t a = 0, b = 0, c = 0, d = 0;
  for (int32_t ky = 0; ky < rows; ++ky) {
    const ew_lean_x *x = from[ky] + at;
    for (int32_t kx = 0; kx < columns; ++kx, x += step, w += 4) {
      a = ew_add_wrap(a, x[0] * w[0]);
      b = ew_add_wrap(b, x[1] * w[1]);
      c = ew_add_wrap(c, x[2] * w[2]);
      d = ew_add_wrap(d, x[3] * w[3]);
    }
  }
  acc[0] = a, acc[1] = b, acc[2] = c, acc[3] = d;
  return w;
}

#endif
