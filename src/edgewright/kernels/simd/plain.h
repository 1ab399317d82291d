/* Tiles for cores that have nothing but a multiplier (Cortex-M0, M3, RV32IMC). */
#ifndef EW_SIMD_PLAIN_H
#define EW_SIMD_PLAIN_H

#define EW_LEAN_ROWS 2
#define EW_LEAN_CHANNELS 4
#define EW_LEAN_TOGETHER 1
#define EW_LEAN_SPREAD 0
typedef int8_t ew_lean_x;

/* acc [1 row][16], of which 2 columns, = a row times columns; w [2][depth]. */
EW_KERNEL void ew_lean_dot_row(const ew_lean_x *x, const int8_t *w, int32_t depth, int32_t *acc) {
  const int8_t *const second = w + depth;
  int32_t a = 0, b = 0;
  EW_ROLLED for (int32_t k = 0; k < depth; ++k) {
    const int32_t v = x[k];
    a = ew_add_wrap(a, v * w[k]);
    b = ew_add_wrap(b, v * second[k]);
  }
  acc[0] = a, acc[1] = b;
}

/* The same for two rows. */
#if defined(__ARM_ARCH_7M__)
/* Four products in eight instructions; compilers spend as many again on their pointers. x r0, y r1,
   columns r2 and r12, the end of the first r3, sums r4 to r7. */
#define EW_PLAIN_STEP \
  "ldrsb r8, [r2], #1\n\t" \
  "ldrsb r9, [r12], #1\n\t" \
  "ldrsb r10, [r0], #1\n\t" \
  "ldrsb r11, [r1], #1\n\t" \
  "mla r4, r10, r8, r4\n\t" \
  "mla r5, r10, r9, r5\n\t" \
  "mla r6, r11, r8, r6\n\t" \
  "mla r7, r11, r9, r7\n\t"
__attribute__((naked, noinline, unused)) static void ew_lean_dot_two(
    const ew_lean_x *x __attribute__((unused)), const ew_lean_x *y __attribute__((unused)),
    const int8_t *w __attribute__((unused)), int32_t depth __attribute__((unused)),
    int32_t *acc __attribute__((unused))) {
  __asm__ volatile(
      "push {r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"
      "ldr lr, [sp, #40]\n\t"
      "add r12, r2, r3\n\t"
      "movs r4, #0\n\t"
      "movs r5, #0\n\t"
      "movs r6, #0\n\t"
      "movs r7, #0\n\t"
      "bics r8, r3, #3\n\t"
      "beq 2f\n\t"
      "add r3, r2, r8\n"
      "1:\n\t" EW_PLAIN_STEP EW_PLAIN_STEP EW_PLAIN_STEP EW_PLAIN_STEP
      "cmp r2, r3\n\t"
      "bne 1b\n"
      "2:\n\t"
      "ldr r8, [sp]\n\t"
      "ands r8, r8, #3\n\t"
      "beq 4f\n\t"
      "add r3, r2, r8\n"
      "3:\n\t" EW_PLAIN_STEP
      "cmp r2, r3\n\t"
      "bne 3b\n"
      "4:\n\t"
      "strd r4, r5, [lr]\n\t"
      "strd r6, r7, [lr, #64]\n\t"
      "pop {r3, r4, r5, r6, r7, r8, r9, r10, r11, pc}");
}
#else
EW_KERNEL void ew_lean_dot_two(const ew_lean_x *x, const ew_lean_x *y, const int8_t *w,
                               int32_t depth, int32_t *acc) {
#if defined(__ARM_ARCH_6M__) /* which has eight registers to compute with */
  ew_lean_dot_row(x, w, depth, acc);
  ew_lean_dot_row(y, w, depth, acc + 16);
#else
  const int8_t *v = w + depth;
  const int8_t *const end = v;
  int32_t a = 0, b = 0, c = 0, d = 0;
  EW_ROLLED while (w != end) {
    const int32_t first = *w++, second = *v++, low = *x++, high = *y++;
    a = ew_add_wrap(a, low * first);
    b = ew_add_wrap(b, low * second);
    c = ew_add_wrap(c, high * first);
    d = ew_add_wrap(d, high * second);
  }
  acc[0] = a, acc[1] = b, acc[16] = c, acc[17] = d;
#endif
}
#endif
EW_INLINE void ew_lean_dot_rows(const ew_lean_x *const *rows, const int8_t *w, int32_t depth,
                                int32_t *acc) {
  ew_lean_dot_two(rows[0], rows[1], w, depth, acc);
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
