/* Macros, scalar rounding and the two libc functions that generated code may use. */
#ifndef EW_H
#define EW_H
#include "interface.h"

/* Whether code size counts more than the last per cent of speed: layers then share their drivers,
   and kernels their epilogues. */
#if !defined(EW_SMALL)
#if defined(__x86_64__) || defined(__i386__)
#define EW_SMALL 0
#else
#define EW_SMALL 1
#endif
#endif

/* Whether lanes are divided as float32: only single numbers can be divided as integers, which is
   still the smaller code on a microcontroller, and needs no FPU. */
#if (defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M') || \
    (defined(__riscv) && !defined(__riscv_flen))
#define EW_DIVIDE_BY_FLOAT 0
#else
#define EW_DIVIDE_BY_FLOAT 1
#endif

/* EW_INLINE: vocabulary, specialised where it is called.
   EW_KERNEL: micro-kernels, one copy shared by all layers.
   EW_DRIVER: the loops of a layer around them: one or the other. All may stay unused. */
#define EW_INLINE static inline __attribute__((always_inline, unused))
#define EW_KERNEL static __attribute__((noinline, unused))
#if EW_SMALL
#define EW_DRIVER EW_KERNEL
#else
#define EW_DRIVER EW_INLINE
#endif

/* Unrolls the loop that follows completely: it runs over registers. */
#if defined(__clang__)
#define EW_UNROLL _Pragma("clang loop unroll(full)")
#else
#define EW_UNROLL _Pragma("GCC unroll 32")
#endif
/* Keeps the loop that follows as it is written: it is long, or runs a few times only. */
#if defined(__clang__)
#define EW_ROLLED _Pragma("clang loop unroll(disable) vectorize(disable)")
#else
#define EW_ROLLED _Pragma("GCC unroll 1")
#endif

/* The same where code size counts; elsewhere the compiler may do as it likes. */
#if EW_SMALL
#define EW_SHORT EW_ROLLED
#else
#define EW_SHORT
#endif

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);

#define EW_INFINITY __builtin_inff()

EW_INLINE int32_t ew_min_i32(int32_t a, int32_t b) { return a < b ? a : b; }
EW_INLINE int32_t ew_max_i32(int32_t a, int32_t b) { return a > b ? a : b; }
EW_INLINE int32_t ew_clamp_i32(int32_t v, int32_t lo, int32_t hi) {
  return v < lo ? lo : v > hi ? hi : v;
}

/* Two's complement sums and products: signed overflow is undefined in C, wrap-around is not. */
EW_INLINE int32_t ew_add_wrap(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }
EW_INLINE int32_t ew_sub_wrap(int32_t a, int32_t b) { return (int32_t)((uint32_t)a - (uint32_t)b); }
EW_INLINE int32_t ew_mul_wrap(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }
EW_INLINE int32_t ew_shl_wrap(int32_t a, int32_t by) { return (int32_t)((uint32_t)a << by); }

EW_INLINE float ew_float_of_bits(int32_t bits) {
  float v;
  __builtin_memcpy(&v, &bits, 4);
  return v;
}
EW_INLINE int32_t ew_bits_of_float(float v) {
  int32_t bits;
  __builtin_memcpy(&bits, &v, 4);
  return bits;
}

/* Rounds half to even; adding 2^23 leaves no bit for a fraction. NaN and large values pass. */
EW_INLINE float ew_round_f32(float v) {
  const float big = 8388608.0f;
  const float size = v < 0.0f ? -v : v;
  if (!(size < big)) return v;
  const float whole = (size + big) - big;
  return ew_float_of_bits(ew_bits_of_float(whole) | (ew_bits_of_float(v) & INT32_MIN));
}

/* Rounds half to even and saturates; NaN becomes INT32_MIN, as on x86. */
EW_INLINE int32_t ew_round_i32(float v) {
  if (v >= 2147483648.0f) return INT32_MAX;
  if (!(v >= -2147483648.0f)) return INT32_MIN;
  return (int32_t)ew_round_f32(v);
}

/* round(a * b / 2^31), halves up; b >= 0, as every multiplier is. */
EW_INLINE int32_t ew_mul_high_i32(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* round(v / 2^by), halves away from zero; 0 <= by <= 31. */
EW_INLINE int32_t ew_shift_round_i32(int32_t v, int32_t by) {
  const int32_t mask = (int32_t)((1u << by) - 1u);
  const int32_t half = (int32_t)((uint32_t)mask >> 1) + (v < 0);
  return (v >> by) + ((v & mask) > half);
}

/* TFLite's MultiplyByQuantizedMultiplier: v * multiplier * 2^(shift - 31), rounded twice. */
EW_INLINE int32_t ew_multiply_i32(int32_t v, int32_t multiplier, int32_t shift) {
  const int32_t left = shift > 0 ? shift : 0, right = shift > 0 ? 0 : -shift;
  return ew_shift_round_i32(ew_mul_high_i32(ew_shl_wrap(v, left), multiplier), right);
}

#endif
