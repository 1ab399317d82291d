/* The SIMD vocabulary for RISC-V vectors (1.0, registers of 128 bits or more): the compiler's 64-byte
   vectors, which become groups of registers with sixteen elements in use, however long a register is.
   Words: see scalar.h. */
#ifndef EW_SIMD_RVV_H
#define EW_SIMD_RVV_H

#define EW_ISA_NAME "rvv"
/* A vector is four of 32 registers. */
#define EW_F32_ROWS 6
#define EW_F32_BLOCKS 1
#define EW_Q8_ROWS 4
#define EW_Q8_BLOCKS 1
#define EW_DEPTHWISE_PIXELS 4
#define EW_DEPTHWISE_SLIDES 0

typedef float ew_f32x16 __attribute__((vector_size(64)));
typedef int32_t ew_i32x16 __attribute__((vector_size(64)));
typedef uint32_t ew_u32x16 __attribute__((vector_size(64)));
typedef int64_t ew_i64x16 __attribute__((vector_size(128)));
typedef int16_t ew_s16x16 __attribute__((vector_size(32)));
typedef int8_t ew_s8x16 __attribute__((vector_size(16)));
typedef uint8_t ew_u8x16 __attribute__((vector_size(16)));
typedef int8_t ew_s8x64 __attribute__((vector_size(64)));
typedef ew_i32x16 ew_mask16; /* all bits of a lane, or none */

/* Unsigned views of the operands: signed overflow is undefined. */
#define EW_UA ((ew_u32x16)a)
#define EW_UB ((ew_u32x16)b)
#define EW_WORD1(name, result, type, expression) \
  EW_INLINE result name(type a) { return expression; }
#define EW_WORD2(name, result, type, expression) \
  EW_INLINE result name(type a, type b) { return expression; }
#define EW_F32_WORD1(name, expression) EW_WORD1(name, ew_f32x16, ew_f32x16, expression)
#define EW_F32_WORD2(name, expression) EW_WORD2(name, ew_f32x16, ew_f32x16, expression)
#define EW_I32_WORD2(name, expression) EW_WORD2(name, ew_i32x16, ew_i32x16, expression)

EW_INLINE ew_i32x16 ew_i32_pick(ew_mask16 m, ew_i32x16 a, ew_i32x16 b) { return (m & a) | (~m & b); }
EW_INLINE ew_f32x16 ew_f32_pick(ew_mask16 m, ew_f32x16 a, ew_f32x16 b) {
  return (ew_f32x16)ew_i32_pick(m, (ew_i32x16)a, (ew_i32x16)b);
}

/* Loads and stores of whole vectors, and of the first n lanes. */
#define EW_MEMORY(vector, word, suffix, type) \
  EW_INLINE vector word##_load##suffix(const type *p) { \
    vector r; \
    __builtin_memcpy(&r, p, sizeof r); \
    return r; } \
  EW_INLINE void word##_store##suffix(type *p, vector a) { __builtin_memcpy(p, &a, sizeof a); } \
  EW_INLINE vector word##_load##suffix##_n(const type *p, int n) { \
    type lanes[16] = {0}; \
    for (int i = 0; i < n; ++i) lanes[i] = p[i]; \
    return word##_load##suffix(lanes); } \
  EW_INLINE void word##_store##suffix##_n(type *p, vector a, int n) { \
    type lanes[16]; \
    word##_store##suffix(lanes, a); \
    for (int i = 0; i < n; ++i) p[i] = lanes[i]; }
EW_MEMORY(ew_f32x16, ew_f32, , float)
EW_MEMORY(ew_i32x16, ew_i32, , int32_t)

/* --- float32 ------------------------------------------------------------------------------- */
EW_INLINE ew_f32x16 ew_f32_dup(float s) {
  return (ew_f32x16){s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s};
}
EW_F32_WORD2(ew_f32_add, a + b)
EW_F32_WORD2(ew_f32_sub, a - b)
EW_F32_WORD2(ew_f32_mul, a * b)
EW_F32_WORD2(ew_f32_div, a / b)
/* vfmax would return the other operand of a NaN, whichever that is. */
EW_F32_WORD2(ew_f32_max, ew_f32_pick(a > b, a, b))
EW_F32_WORD2(ew_f32_min, ew_f32_pick(a < b, a, b))
EW_F32_WORD1(ew_f32_abs, __builtin_elementwise_abs(a))
EW_F32_WORD1(ew_f32_neg, -a)
EW_F32_WORD1(ew_f32_round, __builtin_elementwise_roundeven(a))
EW_F32_WORD1(ew_f32_floor, __builtin_elementwise_floor(a))
EW_F32_WORD1(ew_f32_ceil, __builtin_elementwise_ceil(a))
EW_F32_WORD1(ew_f32_sqrt, __builtin_elementwise_sqrt(a))
EW_INLINE ew_f32x16 ew_fma(ew_f32x16 a, ew_f32x16 b, ew_f32x16 c) {
  return __builtin_elementwise_fma(a, b, c);
}
EW_INLINE float ew_f32_sum(ew_f32x16 a) {
  float lanes[16];
  ew_f32_store(lanes, a);
  EW_ROLLED for (int step = 8; step > 0; step /= 2)
    for (int i = 0; i < step; ++i) lanes[i] += lanes[i + step];
  return lanes[0];
}
EW_INLINE float ew_f32_top(ew_f32x16 a) {
  float lanes[16];
  ew_f32_store(lanes, a);
  float top = lanes[0];
  EW_ROLLED for (int i = 1; i < 16; ++i) top = top > lanes[i] ? top : lanes[i];
  return top;
}

/* --- int32 --------------------------------------------------------------------------------- */
EW_INLINE ew_i32x16 ew_i32_dup(int32_t s) {
  return (ew_i32x16){s, s, s, s, s, s, s, s, s, s, s, s, s, s, s, s};
}
EW_I32_WORD2(ew_i32_add, (ew_i32x16)(EW_UA + EW_UB))
EW_I32_WORD2(ew_i32_sub, (ew_i32x16)(EW_UA - EW_UB))
EW_I32_WORD2(ew_i32_mul, (ew_i32x16)(EW_UA * EW_UB))
EW_I32_WORD2(ew_i32_max, __builtin_elementwise_max(a, b))
EW_I32_WORD2(ew_i32_min, __builtin_elementwise_min(a, b))
EW_I32_WORD2(ew_i32_and, a & b)
EW_I32_WORD2(ew_i32_or, a | b)
EW_I32_WORD2(ew_i32_xor, a ^ b)
EW_I32_WORD2(ew_i32_shlv, (ew_i32x16)(EW_UA << EW_UB))
EW_I32_WORD2(ew_i32_srav, a >> b)
EW_INLINE ew_i32x16 ew_i32_shl(ew_i32x16 a, int by) { return (ew_i32x16)(EW_UA << (uint32_t)by); }
EW_INLINE ew_i32x16 ew_i32_shr(ew_i32x16 a, int by) { return (ew_i32x16)(EW_UA >> (uint32_t)by); }
EW_INLINE ew_i32x16 ew_i32_sra(ew_i32x16 a, int by) { return a >> by; }
/* From both halves of the product; bit 30 of the lower one rounds. */
EW_INLINE ew_i32x16 ew_i32_mul_high(ew_i32x16 a, ew_i32x16 b) {
  const ew_i64x16 product =
      __builtin_convertvector(a, ew_i64x16) * __builtin_convertvector(b, ew_i64x16);
  const ew_u32x16 high = (ew_u32x16)__builtin_convertvector(product >> 32, ew_i32x16);
  const ew_u32x16 low = EW_UA * EW_UB;
  return (ew_i32x16)((high << 1 | low >> 31) + (low >> 30 & 1u));
}
EW_INLINE int32_t ew_i32_sum(ew_i32x16 a) { return __builtin_reduce_add(a); }

/* --- conversions --------------------------------------------------------------------------- */
EW_WORD1(ew_f32_of_i32, ew_f32x16, ew_i32x16, __builtin_convertvector(a, ew_f32x16))
EW_WORD1(ew_f32_of_bits, ew_f32x16, ew_i32x16, (ew_f32x16)a)
EW_WORD1(ew_bits_of_f32, ew_i32x16, ew_f32x16, (ew_i32x16)a)
/* One conversion that rounds as the CPU is set to, which is half to even. (Not by roundeven: the
   compiler might round once for ew_f32_round as well, and convert by vfcvt.rtz, on which qemu 7 stops.) */
EW_WORD1(ew_i32_of_f32, ew_i32x16, ew_f32x16,
         __builtin_convertvector(__builtin_elementwise_rint(a), ew_i32x16))
EW_MEMORY(ew_s8x16, ew_s8, , int8_t)
EW_MEMORY(ew_u8x16, ew_u8, , uint8_t)
EW_MEMORY(ew_s16x16, ew_s16, , int16_t)
/* Widening loads and saturating, narrowing stores. */
#define EW_NARROW(suffix, type, vector, lo, hi) \
  EW_INLINE vector ew_i32_narrow_##suffix(ew_i32x16 a) { \
    a = ew_i32_max(ew_i32_min(a, ew_i32_dup(hi)), ew_i32_dup(lo)); \
    return __builtin_convertvector(a, vector); } \
  EW_INLINE ew_i32x16 ew_i32_load_##suffix(const type *p) { \
    return __builtin_convertvector(ew_##suffix##_load(p), ew_i32x16); } \
  EW_INLINE ew_i32x16 ew_i32_load_##suffix##_n(const type *p, int n) { \
    return __builtin_convertvector(ew_##suffix##_load_n(p, n), ew_i32x16); } \
  EW_INLINE void ew_i32_store_##suffix(type *p, ew_i32x16 a) { \
    ew_##suffix##_store(p, ew_i32_narrow_##suffix(a)); } \
  EW_INLINE void ew_i32_store_##suffix##_n(type *p, ew_i32x16 a, int n) { \
    ew_##suffix##_store_n(p, ew_i32_narrow_##suffix(a), n); }
EW_NARROW(s8, int8_t, ew_s8x16, -128, 127)
EW_NARROW(u8, uint8_t, ew_u8x16, 0, 255)
EW_NARROW(s16, int16_t, ew_s16x16, -32768, 32767)

/* --- masks --------------------------------------------------------------------------------- */
EW_WORD2(ew_f32_lt, ew_mask16, ew_f32x16, a < b)
EW_WORD2(ew_f32_le, ew_mask16, ew_f32x16, a <= b)
EW_WORD2(ew_f32_eq, ew_mask16, ew_f32x16, a == b)
EW_WORD2(ew_i32_gt, ew_mask16, ew_i32x16, a > b)
EW_WORD2(ew_i32_eq, ew_mask16, ew_i32x16, a == b)
EW_WORD2(ew_mask_and, ew_mask16, ew_mask16, a & b)
EW_WORD2(ew_mask_or, ew_mask16, ew_mask16, a | b)
EW_WORD1(ew_mask_not, ew_mask16, ew_mask16, ~a)
EW_INLINE ew_f32x16 ew_f32_select(ew_mask16 m, ew_f32x16 a, ew_f32x16 b) {
  return ew_f32_pick(m, a, b);
}
EW_INLINE ew_i32x16 ew_i32_select(ew_mask16 m, ew_i32x16 a, ew_i32x16 b) {
  return ew_i32_pick(m, a, b);
}

/* --- integer products ---------------------------------------------------------------------- */
EW_INLINE ew_i32x16 ew_i32_load_mac(const int16_t *p) { return ew_i32_load_s16(p); }
EW_INLINE ew_i32x16 ew_i32_mac(ew_i32x16 acc, ew_i32x16 x, ew_i32x16 w) {
  return ew_i32_add(acc, ew_i32_mul(x, w));
}

/* Products of 16 bits are added to 32, one of the four numbers of x at a time. */
typedef struct ew_dot_x { int32_t v[4]; } ew_dot_x;
typedef struct ew_dot_w { ew_s16x16 k[4]; } ew_dot_w;
EW_INLINE ew_dot_x ew_dot_load_x(const uint8_t *p) {
  return (ew_dot_x){{(int8_t)p[0], (int8_t)p[1], (int8_t)p[2], (int8_t)p[3]}};
}
#define EW_EVERY_FOURTH(v, k) \
  __builtin_shufflevector(v, v, k, k + 4, k + 8, k + 12, k + 16, k + 20, k + 24, k + 28, k + 32, \
                          k + 36, k + 40, k + 44, k + 48, k + 52, k + 56, k + 60)
EW_INLINE ew_dot_w ew_dot_load_w(const int8_t *p) {
  ew_s8x64 v;
  __builtin_memcpy(&v, p, sizeof v);
  return (ew_dot_w){{__builtin_convertvector(EW_EVERY_FOURTH(v, 0), ew_s16x16),
                     __builtin_convertvector(EW_EVERY_FOURTH(v, 1), ew_s16x16),
                     __builtin_convertvector(EW_EVERY_FOURTH(v, 2), ew_s16x16),
                     __builtin_convertvector(EW_EVERY_FOURTH(v, 3), ew_s16x16)}};
}
EW_INLINE ew_i32x16 ew_dot4(ew_i32x16 acc, ew_dot_x x, ew_dot_w w) {
  EW_UNROLL for (int i = 0; i < 4; ++i)
    acc = ew_i32_mac(acc, ew_i32_dup(x.v[i]), __builtin_convertvector(w.k[i], ew_i32x16));
  return acc;
}

#endif
