/* The SIMD vocabulary for Arm's NEON, 64-bit and (with neon32.h) 32-bit: four q registers. Words: see
   scalar.h. */
#ifndef EW_SIMD_NEON_H
#define EW_SIMD_NEON_H
#include <arm_neon.h>
#include "simd/neon32.h"

#define EW_ISA_NAME "neon"
#if defined(__aarch64__)
#if !defined(EW_F32_ROWS) /* tuned otherwise */
#define EW_F32_ROWS 6
#endif
#if !defined(EW_Q8_ROWS)
#define EW_Q8_ROWS 6
#endif
#define EW_DEPTHWISE_PIXELS 4
#else /* 16 registers */
#define EW_F32_ROWS 2
#define EW_Q8_ROWS 2
#define EW_DEPTHWISE_PIXELS 2
#endif
#define EW_F32_BLOCKS 1
#define EW_Q8_BLOCKS 1
#define EW_DEPTHWISE_SLIDES 0

typedef struct ew_f32x16 { float32x4_t q[4]; } ew_f32x16;
typedef struct ew_i32x16 { int32x4_t q[4]; } ew_i32x16;
typedef struct ew_mask16 { uint32x4_t q[4]; } ew_mask16;

#define EW_QUADS EW_UNROLL for (int i = 0; i < 4; ++i)
#define EW_QUAD_OP1(name, result, type, expression) \
  EW_INLINE result name(type a) { result r; EW_QUADS r.q[i] = (expression); return r; }
#define EW_QUAD_OP2(name, result, type, expression) \
  EW_INLINE result name(type a, type b) { result r; EW_QUADS r.q[i] = (expression); return r; }
#define EW_F32_OP1(name, f) EW_QUAD_OP1(name, ew_f32x16, ew_f32x16, f(a.q[i]))
#define EW_F32_OP2(name, f) EW_QUAD_OP2(name, ew_f32x16, ew_f32x16, f(a.q[i], b.q[i]))
#define EW_I32_OP2(name, f) EW_QUAD_OP2(name, ew_i32x16, ew_i32x16, f(a.q[i], b.q[i]))

/* Copies n <= 64 bytes without touching a byte more. */
EW_DRIVER void ew_copy_few(void *to, const void *from, int n) {
  char *t = (char *)to;
  const char *f = (const char *)from;
  for (; n >= 8; n -= 8, t += 8, f += 8) __builtin_memcpy(t, f, 8);
  if (n & 4) { __builtin_memcpy(t, f, 4); t += 4; f += 4; }
  if (n & 2) { __builtin_memcpy(t, f, 2); t += 2; f += 2; }
  if (n & 1) *t = *f;
}

/* --- float32 ------------------------------------------------------------------------------- */
EW_INLINE ew_f32x16 ew_f32_dup(float s) {
  ew_f32x16 r;
  EW_QUADS r.q[i] = vdupq_n_f32(s);
  return r;
}
EW_INLINE ew_f32x16 ew_f32_load(const float *p) {
  ew_f32x16 r;
  EW_QUADS r.q[i] = vld1q_f32(p + 4 * i);
  return r;
}
EW_INLINE ew_f32x16 ew_f32_load_n(const float *p, int n) {
  float lanes[16] = {0};
  ew_copy_few(lanes, p, 4 * n);
  return ew_f32_load(lanes);
}
#if defined(__aarch64__)
#define EW_HAS_LOAD_F16 1
EW_INLINE ew_f32x16 ew_f32_load_f16(const uint16_t *p) {
  ew_f32x16 r;
  EW_QUADS r.q[i] = vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4 * i)));
  return r;
}
#endif
EW_INLINE void ew_f32_store(float *p, ew_f32x16 a) {
  EW_QUADS vst1q_f32(p + 4 * i, a.q[i]);
}
EW_INLINE void ew_f32_store_n(float *p, ew_f32x16 a, int n) {
  float lanes[16];
  ew_f32_store(lanes, a);
  ew_copy_few(p, lanes, 4 * n);
}
EW_F32_OP2(ew_f32_add, vaddq_f32)
EW_F32_OP2(ew_f32_sub, vsubq_f32)
EW_F32_OP2(ew_f32_mul, vmulq_f32)
EW_F32_OP2(ew_f32_div, vdivq_f32)
/* vmaxq would return a NaN whichever operand is one. */
EW_QUAD_OP2(ew_f32_max, ew_f32x16, ew_f32x16,
            vbslq_f32(vcgtq_f32(a.q[i], b.q[i]), a.q[i], b.q[i]))
EW_QUAD_OP2(ew_f32_min, ew_f32x16, ew_f32x16,
            vbslq_f32(vcltq_f32(a.q[i], b.q[i]), a.q[i], b.q[i]))
EW_F32_OP1(ew_f32_abs, vabsq_f32)
EW_F32_OP1(ew_f32_neg, vnegq_f32)
EW_F32_OP1(ew_f32_round, vrndnq_f32)
EW_F32_OP1(ew_f32_floor, vrndmq_f32)
EW_F32_OP1(ew_f32_ceil, vrndpq_f32)
EW_F32_OP1(ew_f32_sqrt, vsqrtq_f32)
EW_INLINE ew_f32x16 ew_fma(ew_f32x16 a, ew_f32x16 b, ew_f32x16 c) {
  ew_f32x16 r;
  EW_QUADS r.q[i] = vfmaq_f32(c.q[i], a.q[i], b.q[i]);
  return r;
}
EW_INLINE float ew_f32_sum(ew_f32x16 a) {
  return vaddvq_f32(vaddq_f32(vaddq_f32(a.q[0], a.q[1]), vaddq_f32(a.q[2], a.q[3])));
}
EW_INLINE float ew_f32_top(ew_f32x16 a) {
  return vmaxvq_f32(vmaxq_f32(vmaxq_f32(a.q[0], a.q[1]), vmaxq_f32(a.q[2], a.q[3])));
}

/* --- int32 --------------------------------------------------------------------------------- */
EW_INLINE ew_i32x16 ew_i32_dup(int32_t s) {
  ew_i32x16 r;
  EW_QUADS r.q[i] = vdupq_n_s32(s);
  return r;
}
EW_INLINE ew_i32x16 ew_i32_load(const int32_t *p) {
  ew_i32x16 r;
  EW_QUADS r.q[i] = vld1q_s32(p + 4 * i);
  return r;
}
EW_INLINE ew_i32x16 ew_i32_load_n(const int32_t *p, int n) {
  int32_t lanes[16] = {0};
  ew_copy_few(lanes, p, 4 * n);
  return ew_i32_load(lanes);
}
EW_INLINE void ew_i32_store(int32_t *p, ew_i32x16 a) {
  EW_QUADS vst1q_s32(p + 4 * i, a.q[i]);
}
EW_INLINE void ew_i32_store_n(int32_t *p, ew_i32x16 a, int n) {
  int32_t lanes[16];
  ew_i32_store(lanes, a);
  ew_copy_few(p, lanes, 4 * n);
}
EW_I32_OP2(ew_i32_add, vaddq_s32)
EW_I32_OP2(ew_i32_sub, vsubq_s32)
EW_I32_OP2(ew_i32_mul, vmulq_s32)
EW_I32_OP2(ew_i32_max, vmaxq_s32)
EW_I32_OP2(ew_i32_min, vminq_s32)
EW_I32_OP2(ew_i32_and, vandq_s32)
EW_I32_OP2(ew_i32_or, vorrq_s32)
EW_I32_OP2(ew_i32_xor, veorq_s32)
EW_I32_OP2(ew_i32_shlv, vshlq_s32)
EW_QUAD_OP2(ew_i32_srav, ew_i32x16, ew_i32x16, vshlq_s32(a.q[i], vnegq_s32(b.q[i])))
EW_INLINE ew_i32x16 ew_i32_shl(ew_i32x16 a, int by) { return ew_i32_shlv(a, ew_i32_dup(by)); }
EW_INLINE ew_i32x16 ew_i32_sra(ew_i32x16 a, int by) { return ew_i32_shlv(a, ew_i32_dup(-by)); }
EW_INLINE ew_i32x16 ew_i32_shr(ew_i32x16 a, int by) {
  EW_QUADS a.q[i] = vreinterpretq_s32_u32(
      vshlq_u32(vreinterpretq_u32_s32(a.q[i]), vdupq_n_s32(-by)));
  return a;
}
EW_I32_OP2(ew_i32_mul_high, vqrdmulhq_s32)
/* The fix-up turns halves away from zero into halves up, as the rounding shift has them. */
#define EW_HAS_SHIFT_ROUND
EW_INLINE ew_i32x16 ew_i32_shift_round(ew_i32x16 a, ew_i32x16 by) {
  EW_QUADS {
    const int32x4_t right = vnegq_s32(by.q[i]);
    const int32x4_t below = vshrq_n_s32(vandq_s32(a.q[i], right), 31);
    a.q[i] = vrshlq_s32(vqaddq_s32(a.q[i], below), right);
  }
  return a;
}
EW_INLINE int32_t ew_i32_sum(ew_i32x16 a) {
  return vaddvq_s32(vaddq_s32(vaddq_s32(a.q[0], a.q[1]), vaddq_s32(a.q[2], a.q[3])));
}

/* --- conversions --------------------------------------------------------------------------- */
EW_QUAD_OP1(ew_f32_of_i32, ew_f32x16, ew_i32x16, vcvtq_f32_s32(a.q[i]))
EW_QUAD_OP1(ew_i32_of_f32, ew_i32x16, ew_f32x16, vcvtnq_s32_f32(a.q[i]))
EW_QUAD_OP1(ew_f32_of_bits, ew_f32x16, ew_i32x16, vreinterpretq_f32_s32(a.q[i]))
EW_QUAD_OP1(ew_bits_of_f32, ew_i32x16, ew_f32x16, vreinterpretq_s32_f32(a.q[i]))
EW_INLINE ew_i32x16 ew_i32_load_s16(const int16_t *p) {
  const int16x8_t lo = vld1q_s16(p), hi = vld1q_s16(p + 8);
  return (ew_i32x16){{vmovl_s16(vget_low_s16(lo)), vmovl_high_s16(lo),
                      vmovl_s16(vget_low_s16(hi)), vmovl_high_s16(hi)}};
}
EW_INLINE ew_i32x16 ew_i32_load_s8(const int8_t *p) {
  const int8x16_t v = vld1q_s8(p);
  const int16x8_t lo = vmovl_s8(vget_low_s8(v)), hi = vmovl_high_s8(v);
  return (ew_i32x16){{vmovl_s16(vget_low_s16(lo)), vmovl_high_s16(lo),
                      vmovl_s16(vget_low_s16(hi)), vmovl_high_s16(hi)}};
}
EW_INLINE ew_i32x16 ew_i32_load_u8(const uint8_t *p) {
  const uint8x16_t v = vld1q_u8(p);
  const int16x8_t lo = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(v)));
  const int16x8_t hi = vreinterpretq_s16_u16(vmovl_high_u8(v));
  return (ew_i32x16){{vmovl_s16(vget_low_s16(lo)), vmovl_high_s16(lo),
                      vmovl_s16(vget_low_s16(hi)), vmovl_high_s16(hi)}};
}
EW_INLINE void ew_i32_store_s16(int16_t *p, ew_i32x16 a) {
  EW_QUADS vst1_s16(p + 4 * i, vqmovn_s32(a.q[i]));
}
EW_INLINE void ew_i32_store_s8(int8_t *p, ew_i32x16 a) {
  vst1_s8(p, vqmovn_s16(vcombine_s16(vqmovn_s32(a.q[0]), vqmovn_s32(a.q[1]))));
  vst1_s8(p + 8, vqmovn_s16(vcombine_s16(vqmovn_s32(a.q[2]), vqmovn_s32(a.q[3]))));
}
EW_INLINE void ew_i32_store_u8(uint8_t *p, ew_i32x16 a) {
  vst1_u8(p, vqmovun_s16(vcombine_s16(vqmovn_s32(a.q[0]), vqmovn_s32(a.q[1]))));
  vst1_u8(p + 8, vqmovun_s16(vcombine_s16(vqmovn_s32(a.q[2]), vqmovn_s32(a.q[3]))));
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
EW_QUAD_OP2(ew_f32_lt, ew_mask16, ew_f32x16, vcltq_f32(a.q[i], b.q[i]))
EW_QUAD_OP2(ew_f32_le, ew_mask16, ew_f32x16, vcleq_f32(a.q[i], b.q[i]))
EW_QUAD_OP2(ew_f32_eq, ew_mask16, ew_f32x16, vceqq_f32(a.q[i], b.q[i]))
EW_QUAD_OP2(ew_i32_gt, ew_mask16, ew_i32x16, vcgtq_s32(a.q[i], b.q[i]))
EW_QUAD_OP2(ew_i32_eq, ew_mask16, ew_i32x16, vceqq_s32(a.q[i], b.q[i]))
EW_QUAD_OP2(ew_mask_and, ew_mask16, ew_mask16, vandq_u32(a.q[i], b.q[i]))
EW_QUAD_OP2(ew_mask_or, ew_mask16, ew_mask16, vorrq_u32(a.q[i], b.q[i]))
EW_QUAD_OP1(ew_mask_not, ew_mask16, ew_mask16, vmvnq_u32(a.q[i]))
EW_INLINE ew_f32x16 ew_f32_select(ew_mask16 m, ew_f32x16 a, ew_f32x16 b) {
  EW_QUADS a.q[i] = vbslq_f32(m.q[i], a.q[i], b.q[i]);
  return a;
}
EW_INLINE ew_i32x16 ew_i32_select(ew_mask16 m, ew_i32x16 a, ew_i32x16 b) {
  EW_QUADS a.q[i] = vbslq_s32(m.q[i], a.q[i], b.q[i]);
  return a;
}

/* --- integer products ---------------------------------------------------------------------- */
EW_INLINE ew_i32x16 ew_i32_load_mac(const int16_t *p) { return ew_i32_load_s16(p); }
EW_INLINE ew_i32x16 ew_i32_mac(ew_i32x16 acc, ew_i32x16 x, ew_i32x16 w) {
  EW_QUADS acc.q[i] = vmlaq_s32(acc.q[i], x.q[i], w.q[i]);
  return acc;
}

typedef int8x16_t ew_dot_x;
typedef struct ew_dot_w { int8x16_t q[4]; } ew_dot_w;
EW_INLINE ew_dot_x ew_dot_load_x(const uint8_t *p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  return vreinterpretq_s8_s32(vdupq_n_s32(four));
}
EW_INLINE ew_dot_w ew_dot_load_w(const int8_t *p) {
  ew_dot_w r;
  EW_QUADS r.q[i] = vld1q_s8(p + 16 * i);
  return r;
}
EW_INLINE int32x4_t ew_dot4_quad(int32x4_t acc, int8x16_t x, int8x16_t w) {
#if defined(__ARM_FEATURE_DOTPROD)
  return vdotq_s32(acc, w, x);
#else
  const int32x4_t lo = vpaddlq_s16(vmull_s8(vget_low_s8(x), vget_low_s8(w)));
  const int32x4_t hi = vpaddlq_s16(vmull_high_s8(x, w));
  return vaddq_s32(acc, vpaddq_s32(lo, hi));
#endif
}
EW_INLINE ew_i32x16 ew_dot4(ew_i32x16 acc, ew_dot_x x, ew_dot_w w) {
  EW_QUADS acc.q[i] = ew_dot4_quad(acc.q[i], x, w.q[i]);
  return acc;
}

#endif
