/* Picks the SIMD vocabulary of the compiler's target. See simd/scalar.h for the meaning of each word. */
#ifndef EW_SIMD_H
#define EW_SIMD_H
#include "ew.h"

/* The operand forms of the 8-bit dot product; `Target.dot` in Python says the same.
   1 ("us"): activations are unsigned (int8 ones + 128), weights signed.
   0 ("ss"): both are signed (uint8 activations - 128).
   Activations of the other type are brought to the form, by inverting their highest bit, when the
   rows of a tile are gathered. */
#if !defined(EW_DOT_US)
#if defined(__x86_64__) || defined(__i386__)
#define EW_DOT_US 1
#else
#define EW_DOT_US 0
#endif
#endif

/* Each file is included in one place only: model.c holds every header once. */
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__) && defined(__AVX512VNNI__) && !defined(EW_SIMD_SCALAR)
#include "simd/avx512.h"
#elif defined(__AVX2__) && defined(__FMA__) && !defined(EW_SIMD_SCALAR)
#include "simd/avx2.h"
#elif (defined(__aarch64__) || defined(__arm__)) && defined(__ARM_NEON) && \
    !defined(EW_SIMD_SCALAR)
#include "simd/neon.h"
#elif defined(__wasm_simd128__) && !defined(EW_SIMD_SCALAR)
#include "simd/wasm.h"
#elif defined(__riscv_v) && defined(__clang__) && !defined(EW_SIMD_SCALAR)
#include "simd/rvv.h"
#else
#include "simd/scalar.h"
#endif

/* Limits a value to [lo, hi]; a NaN stays a NaN (max and min return their second operand then). */
EW_INLINE ew_f32x16 ew_f32_clamp(ew_f32x16 v, ew_f32x16 lo, ew_f32x16 hi) {
  return ew_f32_min(hi, ew_f32_max(lo, v));
}

#endif
