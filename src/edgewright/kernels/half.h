/* Sixteen numbers that are stored in 16 bits, as float32: exactly, and the same on every ISA. */
#ifndef EW_HALF_H
#define EW_HALF_H
#include "simd.h"

/* How a weight is stored; EW_STORED_PAIRS: bfloat16, two rows of the product in each lane, for x in
   bfloat16. */
enum { EW_STORED_F16, EW_STORED_BF16, EW_STORED_PAIRS };

EW_INLINE ew_f32x16 ew_load_bf16(const uint16_t *p) {
  return ew_f32_of_bits(ew_i32_shl(ew_i32_load_s16((const int16_t *)(const void *)p), 16));
}

#if defined(EW_HAS_LOAD_F16)
EW_INLINE ew_f32x16 ew_load_f16(const uint16_t *p) { return ew_f32_load_f16(p); }
#else
/* By bits, for finite numbers. Denormals are converted from integers, since a CPU that takes them
   for zeros would lose them in a product. */
EW_INLINE ew_f32x16 ew_load_f16(const uint16_t *p) {
  const ew_i32x16 v = ew_i32_load_s16((const int16_t *)(const void *)p);
  const ew_i32x16 size = ew_i32_and(v, ew_i32_dup(0x7fff));
  const ew_i32x16 normal = ew_i32_add(ew_i32_shl(size, 13), ew_i32_dup(112 << 23));
  const ew_f32x16 small = ew_f32_mul(ew_f32_of_i32(size), ew_f32_dup(0x1p-24f));
  const ew_mask16 is_normal = ew_i32_gt(size, ew_i32_dup(0x3ff));
  const ew_i32x16 bits = ew_i32_select(is_normal, normal, ew_bits_of_f32(small));
  return ew_f32_of_bits(ew_i32_or(bits, ew_i32_and(v, ew_i32_dup(INT32_MIN))));
}
#endif

EW_INLINE ew_f32x16 ew_half_load(const uint16_t *p, const int stored) {
  return stored == EW_STORED_F16 ? ew_load_f16(p) : ew_load_bf16(p);
}

/* The sum of both products of each lane, the upper halves' first: what vdpbf16ps computes, which
   takes denormals for zeros. Products of bfloat16 are exact in float32. */
EW_INLINE ew_f32x16 ew_bf16_dot(ew_f32x16 acc, ew_i32x16 x, ew_i32x16 w) {
#if defined(__AVX512BF16__) && !defined(EW_SIMD_SCALAR)
  return _mm512_dpbf16_ps(acc, (__m512bh)x, (__m512bh)w);
#else
  const ew_i32x16 upper = ew_i32_dup((int32_t)0xffff0000u);
  const ew_f32x16 x1 = ew_f32_of_bits(ew_i32_and(x, upper)), x0 = ew_f32_of_bits(ew_i32_shl(x, 16));
  const ew_f32x16 w1 = ew_f32_of_bits(ew_i32_and(w, upper)), w0 = ew_f32_of_bits(ew_i32_shl(w, 16));
  return ew_fma(x0, w0, ew_fma(x1, w1, acc));
#endif
}

/* to[i] = from[i] for `count` numbers, a multiple of 16. */
EW_KERNEL void ew_half_widen_f16(float *to, const uint16_t *from, int32_t count) {
  for (int32_t i = 0; i < count; i += 16) ew_f32_store(to + i, ew_load_f16(from + i));
}
EW_KERNEL void ew_half_widen_bf16(float *to, const uint16_t *from, int32_t count) {
  for (int32_t i = 0; i < count; i += 16) ew_f32_store(to + i, ew_load_bf16(from + i));
}

#endif
