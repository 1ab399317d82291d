/* Tiles for cores with the DSP extension (Cortex-M4, M7, M33): SMLAD makes two products at once.

   Four weights are one word; SXTB16 spreads it to the pairs (0, 2) and (1, 3). Rows of x are spread
   the same way when they are copied, two rows in turns: [depth / 4][2 rows][4]. */
#ifndef EW_SIMD_DSP_H
#define EW_SIMD_DSP_H

#define EW_LEAN_ROWS 2
#define EW_LEAN_CHANNELS 4
#define EW_LEAN_TOGETHER 1
#define EW_LEAN_SPREAD 1
typedef int16_t ew_lean_x;
/* Words among bytes and halfwords. */
typedef int32_t __attribute__((may_alias)) ew_lean_word;

#if defined(__ARM_FEATURE_DSP)
EW_INLINE int32_t ew_sxtb16(int32_t v) {
  int32_t r;
  __asm__("sxtb16 %0, %1" : "=r"(r) : "r"(v));
  return r;
}
EW_INLINE int32_t ew_sxtb16_ror8(int32_t v) {
  int32_t r;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(r) : "r"(v));
  return r;
}
EW_INLINE int32_t ew_smlad(int32_t a, int32_t b, int32_t sum) {
  int32_t r;
  __asm__("smlad %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(sum));
  return r;
}
EW_INLINE int32_t ew_smlabb(int32_t a, int32_t b, int32_t sum) {
  int32_t r;
  __asm__("smlabb %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(sum));
  return r;
}
EW_INLINE int32_t ew_smlatt(int32_t a, int32_t b, int32_t sum) {
  int32_t r;
  __asm__("smlatt %0, %1, %2, %3" : "=r"(r) : "r"(a), "r"(b), "r"(sum));
  return r;
}
#else /* the same in C: tests run it on any machine */
EW_INLINE int32_t ew_pair(int32_t low, int32_t high) {
  return (int32_t)(((uint32_t)high << 16) | ((uint32_t)low & 0xffffu));
}
EW_INLINE int32_t ew_sxtb16(int32_t v) { return ew_pair((int8_t)v, (int8_t)(v >> 16)); }
EW_INLINE int32_t ew_sxtb16_ror8(int32_t v) { return ew_pair((int8_t)(v >> 8), (int8_t)(v >> 24)); }
EW_INLINE int32_t ew_smlabb(int32_t a, int32_t b, int32_t sum) {
  return ew_add_wrap(sum, (int16_t)a * (int16_t)b);
}
EW_INLINE int32_t ew_smlatt(int32_t a, int32_t b, int32_t sum) {
  return ew_add_wrap(sum, (a >> 16) * (b >> 16));
}
EW_INLINE int32_t ew_smlad(int32_t a, int32_t b, int32_t sum) {
  return ew_smlatt(a, b, ew_smlabb(a, b, sum));
}
#endif

/* acc [2 rows][16], of which 2 columns, = rows times columns; depth is a multiple of 4,
   w [depth / 4][2][4]. */
#if defined(__ARM_FEATURE_DSP)
/* Four of x's words, two of w's: 16 products in 14 instructions. It takes all fourteen registers,
   which no compiler does: x r0, w r1, its end r2, sums r3 r11 r12 lr. */
#define EW_DSP_STEP \
  "ldmia r0!, {r4, r5, r6, r7}\n\t" \
  "ldrd r8, r9, [r1], #8\n\t" \
  "sxtb16 r10, r8\n\t" \
  "sxtb16 r8, r8, ror #8\n\t" \
  "smlad r3, r4, r10, r3\n\t" \
  "smlad r12, r6, r10, r12\n\t" \
  "smlad r3, r5, r8, r3\n\t" \
  "smlad r12, r7, r8, r12\n\t" \
  "sxtb16 r10, r9\n\t" \
  "sxtb16 r9, r9, ror #8\n\t" \
  "smlad r11, r4, r10, r11\n\t" \
  "smlad lr, r6, r10, lr\n\t" \
  "smlad r11, r5, r9, r11\n\t" \
  "smlad lr, r7, r9, lr\n\t"
__attribute__((naked, noinline, unused)) static void ew_lean_dot_pair(
    const ew_lean_x *x __attribute__((unused)), const int8_t *w __attribute__((unused)),
    int32_t depth __attribute__((unused)), int32_t *acc __attribute__((unused))) {
  __asm__ volatile(
      "push {r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"
      "movs r3, #0\n\t"
      "mov r11, r3\n\t"
      "mov r12, r3\n\t"
      "mov lr, r3\n\t"
      "bics r4, r2, #15\n\t"
      "beq 2f\n\t"
      "add r2, r1, r4, lsl #1\n"
      "1:\n\t" EW_DSP_STEP EW_DSP_STEP EW_DSP_STEP EW_DSP_STEP
      "cmp r1, r2\n\t"
      "bne 1b\n"
      "2:\n\t"
      "ldr r4, [sp]\n\t"
      "ands r4, r4, #15\n\t"
      "beq 4f\n\t"
      "add r2, r1, r4, lsl #1\n"
      "3:\n\t" EW_DSP_STEP
      "cmp r1, r2\n\t"
      "bne 3b\n"
      "4:\n\t"
      "ldr r0, [sp, #4]\n\t"
      "strd r3, r11, [r0]\n\t"
      "strd r12, lr, [r0, #64]\n\t"
      "pop {r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, pc}");
}
#else
EW_KERNEL void ew_lean_dot_pair(const ew_lean_x *x, const int8_t *w, int32_t depth, int32_t *acc) {
  const ew_lean_word *from = (const ew_lean_word *)x, *words = (const ew_lean_word *)w;
  int32_t sums[4] = {0, 0, 0, 0};
  for (int32_t k = 0; k < depth; k += 4, from += 4, words += 2)
    for (int i = 0; i < 4; ++i) {
      const int32_t *const row = from + 2 * (i / 2), word = words[i % 2];
      sums[i] = ew_smlad(row[0], ew_sxtb16(word), sums[i]);
      sums[i] = ew_smlad(row[1], ew_sxtb16_ror8(word), sums[i]);
    }
  for (int i = 0; i < 4; ++i) acc[i / 2 * 16 + i % 2] = sums[i];
}
#endif
EW_INLINE void ew_lean_dot_rows(const ew_lean_x *const *rows, const int8_t *w, int32_t depth,
                                int32_t *acc) {
  ew_lean_dot_pair(rows[0], w, depth, acc);
}

/* One row is read as it is, since it would take as much memory again to spread it. */
#define EW_DSP_FOUR(four) { \
    const int32_t low = ew_sxtb16(four), high = ew_sxtb16_ror8(four); \
    const int32_t first = *words++, second = *words++; \
    a = ew_smlad(low, ew_sxtb16(first), a); \
    b = ew_smlad(low, ew_sxtb16(second), b); \
    a = ew_smlad(high, ew_sxtb16_ror8(first), a); \
    b = ew_smlad(high, ew_sxtb16_ror8(second), b); \
  }
EW_KERNEL void ew_lean_dot_bytes(const uint8_t *x, int32_t n, int32_t flip, const int8_t *w,
                                 int32_t *acc) {
  const ew_lean_word *words = (const ew_lean_word *)w;
  const int32_t flips = flip * 0x01010101;
  const uint8_t *const end = x + (n & ~3);
  int32_t a = 0, b = 0, four;
  EW_ROLLED while (x != end) {
    __builtin_memcpy(&four, x, 4); /* at any address */
    x += 4;
    four ^= flips;
    EW_DSP_FOUR(four)
  }
  if (n & 3) { /* what fills the last four meets weights of 0 */
    for (int32_t i = four = 0; i < (n & 3); ++i) four |= x[i] << (8 * i);
    four ^= flips;
    EW_DSP_FOUR(four)
  }
  acc[0] = a;
  acc[1] = b;
}

/* Spreads n bytes to row `row` of `rows`; zeros fill the last four. */
EW_INLINE void ew_lean_spread(const uint8_t *from, int32_t n, int32_t flip, int32_t row,
                              int32_t rows, ew_lean_x *to) {
  ew_lean_word *words = (ew_lean_word *)to + 2 * row;
  const int32_t flips = flip * 0x01010101;
  for (; n >= 4; n -= 4, from += 4, words += 2 * rows) {
    int32_t four;
    __builtin_memcpy(&four, from, 4);
    four ^= flips;
    words[0] = ew_sxtb16(four);
    words[1] = ew_sxtb16_ror8(four);
  }
  if (n > 0) {
    uint32_t four = 0;
    for (int32_t i = 0; i < n; ++i) four |= (uint32_t)(from[i] ^ flip) << (8 * i);
    words[0] = ew_sxtb16((int32_t)four);
    words[1] = ew_sxtb16_ror8((int32_t)four);
  }
}

/* Pixels of a depthwise convolution are spread as well; where a block of the ring has channel c. */
EW_INLINE int32_t ew_lean_lane(int32_t c) { return (c & 1) << 1 | c >> 1; }
/* n, a multiple of 4, channels of one pixel, to blocks that lie `block` numbers apart. */
EW_INLINE void ew_lean_line_copy(const uint8_t *from, int32_t n, int32_t flip, int32_t block,
                                 ew_lean_x *to) {
  const uint8_t *const end = from + n;
  for (; from != end; from += 4, to += block) ew_lean_spread(from, 4, flip, 0, 1, to);
}

/* acc [4 channels] = the taps of a window of rows x columns, which starts `at` numbers into each row
   and whose columns lie `step` apart; returns the weights that follow. */
EW_INLINE const int16_t *ew_lean_taps(const ew_lean_x *const *from, int32_t at, int32_t step,
                                      int32_t rows, int32_t columns, const int16_t *w,
                                      int32_t *acc) {
  const ew_lean_word *v = (const ew_lean_word *)w;
  int32_t a = 0, b = 0, c = 0, d = 0;
  for (int32_t ky = 0; ky < rows; ++ky) {
    const ew_lean_word *x = (const ew_lean_word *)(from[ky] + at);
    for (int32_t left = columns; left > 0; --left, x += step / 2, v += 2) {
      const int32_t x0 = x[0], x1 = x[1], w0 = v[0], w1 = v[1];
      a = ew_smlabb(x0, w0, a);
      b = ew_smlabb(x1, w1, b);
      c = ew_smlatt(x0, w0, c);
      d = ew_smlatt(x1, w1, d);
    }
  }
  acc[0] = a, acc[1] = b, acc[2] = c, acc[3] = d;
  return (const int16_t *)v;
}

#if defined(__ARM_FEATURE_DSP)
/* The same for several blocks of channels and windows of 3 x 3 that lie together: 36 products in 60
   instructions, of which 18 load and 36 multiply. acc ends at a multiple of 64 bytes, which ends the
   loop; `block` is in bytes. */
#define EW_LEAN_HAS_THREE
#define EW_DSP_TAP(row, at) \
  "ldrd r8, r9, [" row ", #" at "]\n\t" \
  "ldrd r10, r11, [r3], #8\n\t" \
  "smlabb r4, r8, r10, r4\n\t" \
  "smlabb r5, r9, r11, r5\n\t" \
  "smlatt r6, r8, r10, r6\n\t" \
  "smlatt r7, r9, r11, r7\n\t"
#define EW_DSP_TAPS(row) EW_DSP_TAP(row, "0") EW_DSP_TAP(row, "8") EW_DSP_TAP(row, "16")
__attribute__((naked, noinline, unused)) static const int16_t *ew_dsp_three(
    int32_t *acc __attribute__((unused)), const ew_lean_x *const *rows __attribute__((unused)),
    int32_t block __attribute__((unused)), const int16_t *w __attribute__((unused))) {
  __asm__ volatile(
      "push {r4, r5, r6, r7, r8, r9, r10, r11, lr}\n\t"
      "mov r12, r2\n\t"
      "ldr lr, [r1, #8]\n\t"
      "ldrd r1, r2, [r1]\n"
      "1:\n\t"
      "ldrd r8, r9, [r1]\n\t"
      "ldrd r10, r11, [r3], #8\n\t"
      "smulbb r4, r8, r10\n\t"
      "smulbb r5, r9, r11\n\t"
      "smultt r6, r8, r10\n\t"
      "smultt r7, r9, r11\n\t"
      EW_DSP_TAP("r1", "8") EW_DSP_TAP("r1", "16") EW_DSP_TAPS("r2") EW_DSP_TAPS("lr")
      "stmia r0!, {r4, r5, r6, r7}\n\t"
      "add r1, r12\n\t"
      "add r2, r12\n\t"
      "add lr, r12\n\t"
      "tst r0, #63\n\t"
      "bne 1b\n\t"
      "mov r0, r3\n\t"
      "pop {r4, r5, r6, r7, r8, r9, r10, r11, pc}");
}
EW_INLINE const int16_t *ew_lean_taps_three(const ew_lean_x *const *rows, int32_t at, int32_t block,
                                            int32_t blocks, const int16_t *w, int32_t *acc) {
  (void)blocks;
  const ew_lean_x *const from[3] = {rows[0] + at, rows[1] + at, rows[2] + at};
  return ew_dsp_three(acc, from, 2 * block, w);
}
#endif

#endif
