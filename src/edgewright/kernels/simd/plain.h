/* Tiles for cores that have nothing but a multiplier (Cortex-M0, M3, RV32IMC). */
#ifndef EW_SIMD_PLAIN_H
#define EW_SIMD_PLAIN_H

#define EW_LEAN_ROWS 2
#define EW_LEAN_CHANNELS 4
#define EW_LEAN_SPREAD 0
typedef int8_t ew_lean_x;

/* acc [2 rows][2 columns] = rows times columns; w [depth][2]. */
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
  acc[0] = a, acc[1] = b, acc[2] = c, acc[3] = d;
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

/* acc [4 channels] += taps of a window: `taps` pixels of x that lie `step` elements apart. */
EW_INLINE const int16_t *ew_lean_taps(const ew_lean_x *x, int32_t step, int32_t taps,
                                      const int16_t *w, int32_t *acc) {
  int32_t a = acc[0], b = acc[1], c = acc[2], d = acc[3];
  do {
    a = ew_add_wrap(a, x[0] * w[0]);
    b = ew_add_wrap(b, x[1] * w[1]);
    c = ew_add_wrap(c, x[2] * w[2]);
    d = ew_add_wrap(d, x[3] * w[3]);
    x += step;
    w += 4;
  } while (--taps > 0);
  acc[0] = a, acc[1] = b, acc[2] = c, acc[3] = d;
  return w;
}

#endif
