/* What 64-bit Arm has and 32-bit NEON lacks, under the same names. 32-bit NEON computes float32 to the
   nearest even as IEEE 754 says, but takes and gives 0 for numbers below 1.2e-38. */
#ifndef EW_SIMD_NEON32_H
#define EW_SIMD_NEON32_H
#include "ew.h"

#if defined(__arm__) && defined(__ARM_NEON)
#include <arm_neon.h>

EW_INLINE float32x4_t ew_neon32_each(float32x4_t a, float32x4_t b, const int is_root) {
  float x[4], y[4];
  vst1q_f32(x, a);
  vst1q_f32(y, b);
  for (int i = 0; i < 4; ++i) x[i] = is_root ? __builtin_sqrtf(x[i]) : x[i] / y[i];
  return vld1q_f32(x);
}
/* As ew_round_f32: adding 2^23 leaves no bit for a fraction. */
EW_INLINE float32x4_t ew_neon32_round(float32x4_t v) {
  const float32x4_t big = vdupq_n_f32(8388608.0f), size = vabsq_f32(v);
  const float32x4_t whole = vsubq_f32(vaddq_f32(size, big), big);
  const float32x4_t signed_whole = vbslq_f32(vdupq_n_u32(0x80000000u), v, whole);
  return vbslq_f32(vcltq_f32(size, big), signed_whole, v);
}
EW_INLINE float32x4_t ew_neon32_floor(float32x4_t v) {
  const float32x4_t whole = ew_neon32_round(v);
  return vbslq_f32(vcgtq_f32(whole, v), vsubq_f32(whole, vdupq_n_f32(1.0f)), whole);
}
EW_INLINE float ew_neon32_sum_f32(float32x4_t a) {
  const float32x2_t two = vadd_f32(vget_low_f32(a), vget_high_f32(a));
  return vget_lane_f32(vpadd_f32(two, two), 0);
}
EW_INLINE int32_t ew_neon32_sum_s32(int32x4_t a) {
  const int32x2_t two = vadd_s32(vget_low_s32(a), vget_high_s32(a));
  return vget_lane_s32(vpadd_s32(two, two), 0);
}
EW_INLINE float ew_neon32_top(float32x4_t a) {
  const float32x2_t two = vmax_f32(vget_low_f32(a), vget_high_f32(a));
  return vget_lane_f32(vpmax_f32(two, two), 0);
}
EW_INLINE int32x4_t ew_neon32_pairs(int32x4_t a, int32x4_t b) {
  return vcombine_s32(vpadd_s32(vget_low_s32(a), vget_high_s32(a)),
                      vpadd_s32(vget_low_s32(b), vget_high_s32(b)));
}

#define vdivq_f32(a, b) ew_neon32_each(a, b, 0)
#define vsqrtq_f32(a) ew_neon32_each(a, a, 1)
#define vrndnq_f32(a) ew_neon32_round(a)
#define vrndmq_f32(a) ew_neon32_floor(a)
#define vrndpq_f32(a) vnegq_f32(ew_neon32_floor(vnegq_f32(a)))
#define vcvtnq_s32_f32(a) vcvtq_s32_f32(ew_neon32_round(a))
#define vaddvq_f32(a) ew_neon32_sum_f32(a)
#define vmaxvq_f32(a) ew_neon32_top(a)
#define vaddvq_s32(a) ew_neon32_sum_s32(a)
#define vpaddq_s32(a, b) ew_neon32_pairs(a, b)
#define vmovl_high_s8(a) vmovl_s8(vget_high_s8(a))
#define vmovl_high_u8(a) vmovl_u8(vget_high_u8(a))
#define vmovl_high_s16(a) vmovl_s16(vget_high_s16(a))
#define vmull_high_s8(a, b) vmull_s8(vget_high_s8(a), vget_high_s8(b))
#if !defined(__ARM_FEATURE_FMA)
#define vfmaq_f32(c, a, b) vmlaq_f32(c, a, b) /* rounds twice */
#endif
#endif

#endif
