/* The SIMD vocabulary for WebAssembly's 128-bit SIMD: four v128. Words: see scalar.h.

   With relaxed SIMD (__wasm_relaxed_simd__) multiply-add may round once. The relaxed 8-bit dot
   product is not used: its second operand must be within 0..127, and ours need eight bits. */
#ifndef EW_SIMD_WASM_H
#define EW_SIMD_WASM_H
#include <wasm_simd128.h>

#define EW_ISA_NAME "wasm"
#define EW_F32_ROWS 2
#define EW_F32_BLOCKS 1
#define EW_Q8_ROWS 4
#define EW_Q8_BLOCKS 1
#define EW_DEPTHWISE_PIXELS 4
#define EW_DEPTHWISE_SLIDES 0

typedef struct ew_f32x16 { v128_t q[4]; } ew_f32x16;
typedef struct ew_i32x16 { v128_t q[4]; } ew_i32x16;
typedef struct ew_mask16 { v128_t q[4]; } ew_mask16;

#define EW_QUADS EW_UNROLL for (int i = 0; i < 4; ++i)
#define EW_QUAD_OP1(name, result, type, expression) \
  EW_INLINE result name(type a) { result r; EW_QUADS r.q[i] = (expression); return r; }
#define EW_QUAD_OP2(name, result, type, expression) \
  EW_INLINE result name(type a, type b) { result r; EW_QUADS r.q[i] = (expression); return r; }
#define EW_F32_OP1(name, f) EW_QUAD_OP1(name, ew_f32x16, ew_f32x16, f(a.q[i]))
#define EW_F32_OP2(name, f) EW_QUAD_OP2(name, ew_f32x16, ew_f32x16, f(a.q[i], b.q[i]))
#define EW_I32_OP2(name, f) EW_QUAD_OP2(name, ew_i32x16, ew_i32x16, f(a.q[i], b.q[i]))
#define EW_MASK_OP2(name, type, f) EW_QUAD_OP2(name, ew_mask16, type, f(a.q[i], b.q[i]))

/* Copies n <= 64 bytes without touching a byte more; one copy of it, for it is called often. */
EW_KERNEL void ew_copy_few(void *to, const void *from, int n) {
  char *t = (char *)to;
  const char *f = (const char *)from;
  EW_ROLLED for (; n >= 8; n -= 8, t += 8, f += 8) __builtin_memcpy(t, f, 8);
  if (n & 4) { __builtin_memcpy(t, f, 4); t += 4; f += 4; }
  if (n & 2) { __builtin_memcpy(t, f, 2); t += 2; f += 2; }
  if (n & 1) *t = *f;
}

/* --- float32 ------------------------------------------------------------------------------- */
EW_INLINE ew_f32x16 ew_f32_dup(float s) {
  ew_f32x16 r;
  EW_QUADS r.q[i] = wasm_f32x4_splat(s);
  return r;
}
EW_INLINE ew_f32x16 ew_f32_load(const float *p) {
  ew_f32x16 r;
  EW_QUADS r.q[i] = wasm_v128_load(p + 4 * i);
  return r;
}
EW_INLINE ew_f32x16 ew_f32_load_n(const float *p, int n) {
  float lanes[16] = {0};
  ew_copy_few(lanes, p, 4 * n);
  return ew_f32_load(lanes);
}
EW_INLINE void ew_f32_store(float *p, ew_f32x16 a) {
  EW_QUADS wasm_v128_store(p + 4 * i, a.q[i]);
}
EW_INLINE void ew_f32_store_n(float *p, ew_f32x16 a, int n) {
  float lanes[16];
  ew_f32_store(lanes, a);
  ew_copy_few(p, lanes, 4 * n);
}
EW_F32_OP2(ew_f32_add, wasm_f32x4_add)
EW_F32_OP2(ew_f32_sub, wasm_f32x4_sub)
EW_F32_OP2(ew_f32_mul, wasm_f32x4_mul)
EW_F32_OP2(ew_f32_div, wasm_f32x4_div)
/* pmax(b, a) is b < a ? a : b. */
EW_QUAD_OP2(ew_f32_max, ew_f32x16, ew_f32x16, wasm_f32x4_pmax(b.q[i], a.q[i]))
EW_QUAD_OP2(ew_f32_min, ew_f32x16, ew_f32x16, wasm_f32x4_pmin(b.q[i], a.q[i]))
EW_F32_OP1(ew_f32_abs, wasm_f32x4_abs)
EW_F32_OP1(ew_f32_neg, wasm_f32x4_neg)
EW_F32_OP1(ew_f32_round, wasm_f32x4_nearest)
EW_F32_OP1(ew_f32_floor, wasm_f32x4_floor)
EW_F32_OP1(ew_f32_ceil, wasm_f32x4_ceil)
EW_F32_OP1(ew_f32_sqrt, wasm_f32x4_sqrt)
EW_INLINE ew_f32x16 ew_fma(ew_f32x16 a, ew_f32x16 b, ew_f32x16 c) {
#if defined(__wasm_relaxed_simd__)
  EW_QUADS c.q[i] = wasm_f32x4_relaxed_madd(a.q[i], b.q[i], c.q[i]);
#else
  EW_QUADS c.q[i] = wasm_f32x4_add(wasm_f32x4_mul(a.q[i], b.q[i]), c.q[i]);
#endif
  return c;
}
EW_INLINE float ew_f32_sum(ew_f32x16 a) {
  const v128_t s = wasm_f32x4_add(wasm_f32x4_add(a.q[0], a.q[1]), wasm_f32x4_add(a.q[2], a.q[3]));
  return (wasm_f32x4_extract_lane(s, 0) + wasm_f32x4_extract_lane(s, 2)) +
         (wasm_f32x4_extract_lane(s, 1) + wasm_f32x4_extract_lane(s, 3));
}
EW_INLINE float ew_f32_top(ew_f32x16 a) {
  const v128_t m =
      wasm_f32x4_pmax(wasm_f32x4_pmax(a.q[0], a.q[1]), wasm_f32x4_pmax(a.q[2], a.q[3]));
  const v128_t n = wasm_f32x4_pmax(m, wasm_i32x4_shuffle(m, m, 2, 3, 0, 1));
  const float x = wasm_f32x4_extract_lane(n, 0), y = wasm_f32x4_extract_lane(n, 1);
  return x > y ? x : y;
}

/* --- int32 --------------------------------------------------------------------------------- */
EW_INLINE ew_i32x16 ew_i32_dup(int32_t s) {
  ew_i32x16 r;
  EW_QUADS r.q[i] = wasm_i32x4_splat(s);
  return r;
}
EW_INLINE ew_i32x16 ew_i32_load(const int32_t *p) {
  ew_i32x16 r;
  EW_QUADS r.q[i] = wasm_v128_load(p + 4 * i);
  return r;
}
EW_INLINE ew_i32x16 ew_i32_load_n(const int32_t *p, int n) {
  int32_t lanes[16] = {0};
  ew_copy_few(lanes, p, 4 * n);
  return ew_i32_load(lanes);
}
EW_INLINE void ew_i32_store(int32_t *p, ew_i32x16 a) {
  EW_QUADS wasm_v128_store(p + 4 * i, a.q[i]);
}
EW_INLINE void ew_i32_store_n(int32_t *p, ew_i32x16 a, int n) {
  int32_t lanes[16];
  ew_i32_store(lanes, a);
  ew_copy_few(p, lanes, 4 * n);
}
EW_I32_OP2(ew_i32_add, wasm_i32x4_add)
EW_I32_OP2(ew_i32_sub, wasm_i32x4_sub)
EW_I32_OP2(ew_i32_mul, wasm_i32x4_mul)
EW_I32_OP2(ew_i32_max, wasm_i32x4_max)
EW_I32_OP2(ew_i32_min, wasm_i32x4_min)
EW_I32_OP2(ew_i32_and, wasm_v128_and)
EW_I32_OP2(ew_i32_or, wasm_v128_or)
EW_I32_OP2(ew_i32_xor, wasm_v128_xor)
/* There are no shifts by one count for each lane. 2^by is a float's exponent; 0 <= by <= 31. */
EW_QUAD_OP1(ew_i32_power, ew_i32x16, ew_i32x16,
            wasm_u32x4_trunc_sat_f32x4(wasm_i32x4_add(wasm_i32x4_shl(a.q[i], 23),
                                                      wasm_i32x4_splat(0x3f800000))))
EW_INLINE ew_i32x16 ew_i32_shlv(ew_i32x16 a, ew_i32x16 by) {
  return ew_i32_mul(a, ew_i32_power(by));
}
#define EW_SRA_LANE(j) \
  (wasm_i32x4_extract_lane(a.q[i], j) >> wasm_i32x4_extract_lane(b.q[i], j))
EW_QUAD_OP2(ew_i32_srav, ew_i32x16, ew_i32x16,
            wasm_i32x4_make(EW_SRA_LANE(0), EW_SRA_LANE(1), EW_SRA_LANE(2), EW_SRA_LANE(3)))
EW_INLINE ew_i32x16 ew_i32_shl(ew_i32x16 a, int by) {
  EW_QUADS a.q[i] = wasm_i32x4_shl(a.q[i], (uint32_t)by);
  return a;
}
EW_INLINE ew_i32x16 ew_i32_sra(ew_i32x16 a, int by) {
  EW_QUADS a.q[i] = wasm_i32x4_shr(a.q[i], (uint32_t)by);
  return a;
}
EW_INLINE ew_i32x16 ew_i32_shr(ew_i32x16 a, int by) {
  EW_QUADS a.q[i] = wasm_u32x4_shr(a.q[i], (uint32_t)by);
  return a;
}
EW_INLINE v128_t ew_mul_high_quad(v128_t a, v128_t b) {
  const v128_t half = wasm_i64x2_splat(1 << 30);
  const v128_t lo = wasm_i64x2_add(wasm_i64x2_extmul_low_i32x4(a, b), half);
  const v128_t hi = wasm_i64x2_add(wasm_i64x2_extmul_high_i32x4(a, b), half);
  return wasm_i32x4_shuffle(wasm_u64x2_shr(lo, 31), wasm_u64x2_shr(hi, 31), 0, 2, 4, 6);
}
EW_I32_OP2(ew_i32_mul_high, ew_mul_high_quad)
EW_INLINE int32_t ew_i32_sum(ew_i32x16 a) {
  const v128_t s = wasm_i32x4_add(wasm_i32x4_add(a.q[0], a.q[1]), wasm_i32x4_add(a.q[2], a.q[3]));
  const v128_t t = wasm_i32x4_add(s, wasm_i32x4_shuffle(s, s, 2, 3, 0, 1));
  return ew_add_wrap(wasm_i32x4_extract_lane(t, 0), wasm_i32x4_extract_lane(t, 1));
}

/* --- conversions --------------------------------------------------------------------------- */
EW_QUAD_OP1(ew_f32_of_i32, ew_f32x16, ew_i32x16, wasm_f32x4_convert_i32x4(a.q[i]))
EW_QUAD_OP1(ew_i32_of_f32, ew_i32x16, ew_f32x16,
            wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_nearest(a.q[i])))
EW_QUAD_OP1(ew_f32_of_bits, ew_f32x16, ew_i32x16, a.q[i])
EW_QUAD_OP1(ew_bits_of_f32, ew_i32x16, ew_f32x16, a.q[i])
EW_INLINE ew_i32x16 ew_i32_load_s16(const int16_t *p) {
  ew_i32x16 r;
  EW_QUADS r.q[i] = wasm_i32x4_load16x4(p + 4 * i);
  return r;
}
EW_INLINE ew_i32x16 ew_i32_of_s16(v128_t lo, v128_t hi) {
  return (ew_i32x16){{wasm_i32x4_extend_low_i16x8(lo), wasm_i32x4_extend_high_i16x8(lo),
                      wasm_i32x4_extend_low_i16x8(hi), wasm_i32x4_extend_high_i16x8(hi)}};
}
EW_INLINE ew_i32x16 ew_i32_load_s8(const int8_t *p) {
  return ew_i32_of_s16(wasm_i16x8_load8x8(p), wasm_i16x8_load8x8(p + 8));
}
EW_INLINE ew_i32x16 ew_i32_load_u8(const uint8_t *p) {
  return ew_i32_of_s16(wasm_u16x8_load8x8(p), wasm_u16x8_load8x8(p + 8));
}
EW_INLINE v128_t ew_s16_low(ew_i32x16 a) { return wasm_i16x8_narrow_i32x4(a.q[0], a.q[1]); }
EW_INLINE v128_t ew_s16_high(ew_i32x16 a) { return wasm_i16x8_narrow_i32x4(a.q[2], a.q[3]); }
EW_INLINE void ew_i32_store_s16(int16_t *p, ew_i32x16 a) {
  wasm_v128_store(p, ew_s16_low(a));
  wasm_v128_store(p + 8, ew_s16_high(a));
}
EW_INLINE void ew_i32_store_s8(int8_t *p, ew_i32x16 a) {
  wasm_v128_store(p, wasm_i8x16_narrow_i16x8(ew_s16_low(a), ew_s16_high(a)));
}
EW_INLINE void ew_i32_store_u8(uint8_t *p, ew_i32x16 a) {
  wasm_v128_store(p, wasm_u8x16_narrow_i16x8(ew_s16_low(a), ew_s16_high(a)));
}
#define EW_NARROW_PART(suffix, type) \
  EW_INLINE ew_i32x16 ew_i32_load_##suffix##_n(const type *p, int n) { \
    type lanes[16] = {0}; \
    ew_copy_few(lanes, p, (int)sizeof(type) * n); \
    return ew_i32_load_##suffix(lanes); } \
  EW_INLINE void ew_i32_store_##suffix##_n(type *p, ew_i32x16 a, int n) { \
    type lanes[16]; \
    ew_i32_store_##suffix(lanes, a); \
    ew_copy_few(p, lanes, (int)sizeof(type) * n); }
EW_NARROW_PART(s8, int8_t)
EW_NARROW_PART(u8, uint8_t)
EW_NARROW_PART(s16, int16_t)

/* --- masks --------------------------------------------------------------------------------- */
EW_MASK_OP2(ew_f32_lt, ew_f32x16, wasm_f32x4_lt)
EW_MASK_OP2(ew_f32_le, ew_f32x16, wasm_f32x4_le)
EW_MASK_OP2(ew_f32_eq, ew_f32x16, wasm_f32x4_eq)
EW_MASK_OP2(ew_i32_gt, ew_i32x16, wasm_i32x4_gt)
EW_MASK_OP2(ew_i32_eq, ew_i32x16, wasm_i32x4_eq)
EW_MASK_OP2(ew_mask_and, ew_mask16, wasm_v128_and)
EW_MASK_OP2(ew_mask_or, ew_mask16, wasm_v128_or)
EW_QUAD_OP1(ew_mask_not, ew_mask16, ew_mask16, wasm_v128_not(a.q[i]))
EW_INLINE ew_f32x16 ew_f32_select(ew_mask16 m, ew_f32x16 a, ew_f32x16 b) {
  EW_QUADS a.q[i] = wasm_v128_bitselect(a.q[i], b.q[i], m.q[i]);
  return a;
}
EW_INLINE ew_i32x16 ew_i32_select(ew_mask16 m, ew_i32x16 a, ew_i32x16 b) {
  EW_QUADS a.q[i] = wasm_v128_bitselect(a.q[i], b.q[i], m.q[i]);
  return a;
}

/* --- integer products ---------------------------------------------------------------------- */
/* With v - 1 for a negative v, rounding halves up is rounding halves away from zero. */
#define EW_HAS_SHIFT_ROUND 1
EW_INLINE ew_i32x16 ew_i32_shift_round(ew_i32x16 v, ew_i32x16 by) {
  const ew_i32x16 power = ew_i32_power(ew_i32_sub(ew_i32_dup(31), by));
  const ew_i32x16 shifted = ew_i32_mul_high(ew_i32_add(v, ew_i32_sra(v, 31)), power);
  return ew_i32_select(ew_i32_eq(by, ew_i32_dup(0)), v, shifted);
}

EW_INLINE ew_i32x16 ew_i32_load_mac(const int16_t *p) { return ew_i32_load_s16(p); }
EW_INLINE ew_i32x16 ew_i32_mac(ew_i32x16 acc, ew_i32x16 x, ew_i32x16 w) {
  return ew_i32_add(acc, ew_i32_mul(x, w));
}

/* Even and odd bytes apart, as int16, so that one instruction sums two products of a column. */
typedef struct ew_dot_x { v128_t even, odd; } ew_dot_x;
typedef struct ew_dot_w { const int8_t *p; } ew_dot_w;
EW_INLINE v128_t ew_even_bytes(v128_t v) { return wasm_i16x8_shr(wasm_i16x8_shl(v, 8), 8); }
EW_INLINE v128_t ew_odd_bytes(v128_t v) { return wasm_i16x8_shr(v, 8); }
EW_INLINE ew_dot_x ew_dot_load_x(const uint8_t *p) {
  const v128_t four = wasm_v128_load32_splat(p);
  return (ew_dot_x){ew_even_bytes(four), ew_odd_bytes(four)};
}
EW_INLINE ew_dot_w ew_dot_load_w(const int8_t *p) { return (ew_dot_w){p}; }
EW_INLINE ew_i32x16 ew_dot4(ew_i32x16 acc, ew_dot_x x, ew_dot_w w) {
  EW_QUADS {
    const v128_t v = wasm_v128_load(w.p + 16 * i);
    const v128_t sum = wasm_i32x4_add(wasm_i32x4_dot_i16x8(ew_even_bytes(v), x.even),
                                      wasm_i32x4_dot_i16x8(ew_odd_bytes(v), x.odd));
    acc.q[i] = wasm_i32x4_add(acc.q[i], sum);
  }
  return acc;
}

#endif
