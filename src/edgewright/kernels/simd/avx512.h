/* The SIMD vocabulary for AVX-512 F, BW, DQ, VL and VNNI: one zmm register. Words: see scalar.h. */
#ifndef EW_SIMD_AVX512_H
#define EW_SIMD_AVX512_H
#include <immintrin.h>

#define EW_ISA_NAME "avx512"
#define EW_F32_ROWS 12
#define EW_F32_BLOCKS 2
#define EW_F32_WIDE_ROWS 6 /* of a tile of four blocks */
#define EW_Q8_ROWS 14 /* 28 sums, two vectors of weights, one of x: 31 registers; 49 and 196 are whole */
#define EW_Q8_MIDDLE_ROWS 10 /* 36 = 14 + 14 + 8, 64 = 4 * 14 + 8, 9 */
#define EW_Q8_BLOCKS 2
#define EW_DEPTHWISE_PIXELS 4
#define EW_DEPTHWISE_SLIDES 1
#define EW_DEPTHWISE_DOT 1 /* depthwise_dot_q8.h, which alone needs the words on bytes */

typedef __m512 ew_f32x16;
typedef __m512i ew_i32x16;
typedef __mmask16 ew_mask16;

EW_INLINE __mmask16 ew_first(int n) { return (__mmask16)((1u << n) - 1u); }

/* --- float32 ------------------------------------------------------------------------------- */
EW_INLINE ew_f32x16 ew_f32_dup(float s) { return _mm512_set1_ps(s); }
EW_INLINE ew_f32x16 ew_f32_load(const float *p) { return _mm512_loadu_ps(p); }
EW_INLINE ew_f32x16 ew_f32_load_n(const float *p, int n) {
  return _mm512_maskz_loadu_ps(ew_first(n), p);
}
#define EW_HAS_LOAD_F16 1
EW_INLINE ew_f32x16 ew_f32_load_f16(const uint16_t *p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}
EW_INLINE void ew_f32_store(float *p, ew_f32x16 a) { _mm512_storeu_ps(p, a); }
EW_INLINE void ew_f32_store_n(float *p, ew_f32x16 a, int n) {
  _mm512_mask_storeu_ps(p, ew_first(n), a);
}
EW_INLINE ew_f32x16 ew_f32_add(ew_f32x16 a, ew_f32x16 b) { return _mm512_add_ps(a, b); }
EW_INLINE ew_f32x16 ew_f32_sub(ew_f32x16 a, ew_f32x16 b) { return _mm512_sub_ps(a, b); }
EW_INLINE ew_f32x16 ew_f32_mul(ew_f32x16 a, ew_f32x16 b) { return _mm512_mul_ps(a, b); }
EW_INLINE ew_f32x16 ew_f32_div(ew_f32x16 a, ew_f32x16 b) { return _mm512_div_ps(a, b); }
/* Half a vector: at the same rate as a whole one or twice it (tile_half_f32.h). */
#define EW_F32_HALVES 1
typedef __m256 ew_f32x8;
EW_INLINE ew_f32x8 ew_f32_half_load(const float *p) { return _mm256_loadu_ps(p); }
EW_INLINE ew_f32x8 ew_f32_half_of(ew_f32x16 a) { return _mm512_castps512_ps256(a); }
EW_INLINE ew_f32x16 ew_f32_whole_of(ew_f32x8 a) { return _mm512_zextps256_ps512(a); }
EW_INLINE ew_f32x8 ew_f32_half_fma(ew_f32x8 a, ew_f32x8 b, ew_f32x8 c) {
  return _mm256_fmadd_ps(a, b, c);
}
EW_INLINE ew_f32x16 ew_f32_max(ew_f32x16 a, ew_f32x16 b) { return _mm512_max_ps(a, b); }
EW_INLINE ew_f32x16 ew_f32_min(ew_f32x16 a, ew_f32x16 b) { return _mm512_min_ps(a, b); }
EW_INLINE ew_f32x16 ew_f32_abs(ew_f32x16 a) {
  return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a);
}
EW_INLINE ew_f32x16 ew_f32_neg(ew_f32x16 a) { return _mm512_xor_ps(_mm512_set1_ps(-0.0f), a); }
EW_INLINE ew_f32x16 ew_f32_round(ew_f32x16 a) { return _mm512_roundscale_ps(a, 8); }
EW_INLINE ew_f32x16 ew_f32_floor(ew_f32x16 a) { return _mm512_roundscale_ps(a, 9); }
EW_INLINE ew_f32x16 ew_f32_ceil(ew_f32x16 a) { return _mm512_roundscale_ps(a, 10); }
EW_INLINE ew_f32x16 ew_f32_sqrt(ew_f32x16 a) { return _mm512_sqrt_ps(a); }
EW_INLINE ew_f32x16 ew_fma(ew_f32x16 a, ew_f32x16 b, ew_f32x16 c) {
  return _mm512_fmadd_ps(a, b, c);
}
EW_INLINE float ew_f32_sum(ew_f32x16 a) { return _mm512_reduce_add_ps(a); }
EW_INLINE float ew_f32_top(ew_f32x16 a) { return _mm512_reduce_max_ps(a); }

/* --- int32 --------------------------------------------------------------------------------- */
EW_INLINE ew_i32x16 ew_i32_dup(int32_t s) { return _mm512_set1_epi32(s); }
EW_INLINE ew_i32x16 ew_i32_load(const int32_t *p) { return _mm512_loadu_si512(p); }
EW_INLINE ew_i32x16 ew_i32_load_n(const int32_t *p, int n) {
  return _mm512_maskz_loadu_epi32(ew_first(n), p);
}
EW_INLINE void ew_i32_store(int32_t *p, ew_i32x16 a) { _mm512_storeu_si512(p, a); }
EW_INLINE void ew_i32_store_n(int32_t *p, ew_i32x16 a, int n) {
  _mm512_mask_storeu_epi32(p, ew_first(n), a);
}
EW_INLINE ew_i32x16 ew_i32_add(ew_i32x16 a, ew_i32x16 b) { return _mm512_add_epi32(a, b); }
EW_INLINE ew_i32x16 ew_i32_sub(ew_i32x16 a, ew_i32x16 b) { return _mm512_sub_epi32(a, b); }
EW_INLINE ew_i32x16 ew_i32_mul(ew_i32x16 a, ew_i32x16 b) { return _mm512_mullo_epi32(a, b); }
EW_INLINE ew_i32x16 ew_i32_max(ew_i32x16 a, ew_i32x16 b) { return _mm512_max_epi32(a, b); }
EW_INLINE ew_i32x16 ew_i32_min(ew_i32x16 a, ew_i32x16 b) { return _mm512_min_epi32(a, b); }
EW_INLINE ew_i32x16 ew_i32_and(ew_i32x16 a, ew_i32x16 b) { return _mm512_and_si512(a, b); }
EW_INLINE ew_i32x16 ew_i32_or(ew_i32x16 a, ew_i32x16 b) { return _mm512_or_si512(a, b); }
EW_INLINE ew_i32x16 ew_i32_xor(ew_i32x16 a, ew_i32x16 b) { return _mm512_xor_si512(a, b); }
EW_INLINE ew_i32x16 ew_i32_shl(ew_i32x16 a, int by) {
  return _mm512_sll_epi32(a, _mm_cvtsi32_si128(by));
}
EW_INLINE ew_i32x16 ew_i32_shr(ew_i32x16 a, int by) {
  return _mm512_srl_epi32(a, _mm_cvtsi32_si128(by));
}
EW_INLINE ew_i32x16 ew_i32_sra(ew_i32x16 a, int by) {
  return _mm512_sra_epi32(a, _mm_cvtsi32_si128(by));
}
EW_INLINE ew_i32x16 ew_i32_shlv(ew_i32x16 a, ew_i32x16 by) { return _mm512_sllv_epi32(a, by); }
EW_INLINE ew_i32x16 ew_i32_srav(ew_i32x16 a, ew_i32x16 by) { return _mm512_srav_epi32(a, by); }
EW_INLINE ew_i32x16 ew_i32_mul_high(ew_i32x16 a, ew_i32x16 b) {
  const __m512i half = _mm512_set1_epi64(1 << 30);
  const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(a, b), half);
  const __m512i odd = _mm512_add_epi64(
      _mm512_mul_epi32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32)), half);
  return _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 31), _mm512_slli_epi64(odd, 1));
}
/* Halves up, with a - 1 for a negative a but INT32_MIN. 2 * a / 2^by is halved by a difference,
   which unlike a sum does not overflow. */
#define EW_HAS_SHIFT_ROUND 1
EW_INLINE ew_i32x16 ew_i32_shift_round(ew_i32x16 a, ew_i32x16 by) {
  const __m512i before = _mm512_min_epi32(a, _mm512_add_epi32(a, _mm512_srai_epi32(a, 31)));
  const __m512i twice = _mm512_srav_epi32(before, _mm512_sub_epi32(by, _mm512_set1_epi32(1)));
  return _mm512_mask_sub_epi32(a, _mm512_test_epi32_mask(by, by), twice,
                               _mm512_srai_epi32(twice, 1));
}
/* Not _mm512_reduce_add_epi32: gcc 12 ends it with a signed sum, which may overflow. */
EW_INLINE int32_t ew_i32_sum(ew_i32x16 a) {
  const __m256i eight =
      _mm256_add_epi32(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64(a, 1));
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1)));
}

/* --- conversions --------------------------------------------------------------------------- */
EW_INLINE ew_f32x16 ew_f32_of_i32(ew_i32x16 a) { return _mm512_cvtepi32_ps(a); }
EW_INLINE ew_i32x16 ew_i32_of_f32(ew_f32x16 a) { return _mm512_cvtps_epi32(a); }
EW_INLINE ew_f32x16 ew_f32_of_bits(ew_i32x16 a) { return _mm512_castsi512_ps(a); }
EW_INLINE ew_i32x16 ew_bits_of_f32(ew_f32x16 a) { return _mm512_castps_si512(a); }
EW_INLINE ew_i32x16 ew_i32_load_s8(const int8_t *p) {
  return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p));
}
EW_INLINE ew_i32x16 ew_i32_load_s8_n(const int8_t *p, int n) {
  return _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(ew_first(n), p));
}
EW_INLINE ew_i32x16 ew_i32_load_u8(const uint8_t *p) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}
EW_INLINE ew_i32x16 ew_i32_load_u8_n(const uint8_t *p, int n) {
  return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(ew_first(n), p));
}
EW_INLINE ew_i32x16 ew_i32_load_s16(const int16_t *p) {
  return _mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)p));
}
EW_INLINE ew_i32x16 ew_i32_load_s16_n(const int16_t *p, int n) {
  return _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(ew_first(n), p));
}
EW_INLINE void ew_i32_store_s8(int8_t *p, ew_i32x16 a) {
  _mm_storeu_si128((__m128i *)p, _mm512_cvtsepi32_epi8(a));
}
EW_INLINE void ew_i32_store_s8_n(int8_t *p, ew_i32x16 a, int n) {
  _mm_mask_storeu_epi8(p, ew_first(n), _mm512_cvtsepi32_epi8(a));
}
EW_INLINE __m128i ew_narrow_u8(ew_i32x16 a) {
  return _mm512_cvtusepi32_epi8(_mm512_max_epi32(a, _mm512_setzero_si512()));
}
EW_INLINE void ew_i32_store_u8(uint8_t *p, ew_i32x16 a) {
  _mm_storeu_si128((__m128i *)p, ew_narrow_u8(a));
}
EW_INLINE void ew_i32_store_u8_n(uint8_t *p, ew_i32x16 a, int n) {
  _mm_mask_storeu_epi8(p, ew_first(n), ew_narrow_u8(a));
}
EW_INLINE void ew_i32_store_s16(int16_t *p, ew_i32x16 a) {
  _mm256_storeu_si256((__m256i *)p, _mm512_cvtsepi32_epi16(a));
}
EW_INLINE void ew_i32_store_s16_n(int16_t *p, ew_i32x16 a, int n) {
  _mm256_mask_storeu_epi16(p, ew_first(n), _mm512_cvtsepi32_epi16(a));
}

/* --- masks --------------------------------------------------------------------------------- */
EW_INLINE ew_mask16 ew_f32_lt(ew_f32x16 a, ew_f32x16 b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ);
}
EW_INLINE ew_mask16 ew_f32_le(ew_f32x16 a, ew_f32x16 b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ);
}
EW_INLINE ew_mask16 ew_f32_eq(ew_f32x16 a, ew_f32x16 b) {
  return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}
EW_INLINE ew_mask16 ew_i32_gt(ew_i32x16 a, ew_i32x16 b) { return _mm512_cmpgt_epi32_mask(a, b); }
EW_INLINE ew_mask16 ew_i32_eq(ew_i32x16 a, ew_i32x16 b) { return _mm512_cmpeq_epi32_mask(a, b); }
EW_INLINE ew_mask16 ew_mask_and(ew_mask16 a, ew_mask16 b) { return (ew_mask16)(a & b); }
EW_INLINE ew_mask16 ew_mask_or(ew_mask16 a, ew_mask16 b) { return (ew_mask16)(a | b); }
EW_INLINE int ew_mask_any(ew_mask16 a) { return a != 0; }
EW_INLINE ew_mask16 ew_mask_not(ew_mask16 a) { return (ew_mask16)~a; }
EW_INLINE ew_f32x16 ew_f32_select(ew_mask16 m, ew_f32x16 a, ew_f32x16 b) {
  return _mm512_mask_blend_ps(m, b, a);
}
EW_INLINE ew_i32x16 ew_i32_select(ew_mask16 m, ew_i32x16 a, ew_i32x16 b) {
  return _mm512_mask_blend_epi32(m, b, a);
}

/* --- integer products ---------------------------------------------------------------------- */
/* The upper half of each multiplier is 0, so that vpdpwssd's second product adds nothing. */
EW_INLINE ew_i32x16 ew_i32_load_mac(const int16_t *p) {
  return _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
}
EW_INLINE ew_i32x16 ew_i32_mac(ew_i32x16 acc, ew_i32x16 x, ew_i32x16 w) {
  /* Not _mm512_dpwssd_epi32: clang 22 splits that into a product and a sum, to lower its latency. */
  __asm__("vpdpwssd %2, %1, %0" : "+v"(acc) : "v"(x), "v"(w));
  return acc;
}

/* acc + x * w of both int16 of each lane. */
EW_INLINE ew_i32x16 ew_i32_dot2(ew_i32x16 acc, ew_i32x16 x, ew_i32x16 w) {
  return ew_i32_mac(acc, x, w);
}

/* --- int16 --------------------------------------------------------------------------------- */
typedef __m512i ew_i16x32;
/* The first n (16 or 32) bytes; unsigned ones less 128. */
EW_INLINE ew_i16x32 ew_i16_load_8(const uint8_t *p, int n, const int is_signed) {
  const __m256i a = _mm256_maskz_loadu_epi8((__mmask32)(((uint64_t)1 << n) - 1), p);
  return _mm512_cvtepi8_epi16(is_signed ? a : _mm256_xor_si256(a, _mm256_set1_epi8(-128)));
}
EW_INLINE void ew_i16_store(int16_t *p, ew_i16x32 a) { _mm512_storeu_si512(p, a); }
EW_INLINE ew_i16x32 ew_i16_add(ew_i16x32 a, ew_i16x32 b) { return _mm512_add_epi16(a, b); }
EW_INLINE ew_i16x32 ew_i16_sub(ew_i16x32 a, ew_i16x32 b) { return _mm512_sub_epi16(a, b); }
EW_INLINE ew_i16x32 ew_i16_shl(ew_i16x32 a, const int by) {
  return _mm512_sll_epi16(a, _mm_cvtsi32_si128(by));
}

typedef __m512i ew_dot_x;
typedef __m512i ew_dot_w;
EW_INLINE ew_dot_x ew_dot_load_x(const uint8_t *p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  return _mm512_set1_epi32(four);
}
/* 16 bytes, less the bits that `flip` inverts, for weights of four columns [4][16]. */
#define EW_HAS_DOT_LINES 1
EW_INLINE ew_dot_x ew_dot_load_lines(const uint8_t *p, int8_t flip) {
  const __m512i x = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)p));
  return _mm512_xor_si512(x, _mm512_set1_epi8(flip));
}
EW_INLINE ew_dot_w ew_dot_load_w(const int8_t *p) { return _mm512_loadu_si512(p); }
EW_INLINE ew_i32x16 ew_dot4(ew_i32x16 acc, ew_dot_x x, ew_dot_w w) {
  return _mm512_dpbusd_epi32(acc, x, w);
}

/* The sum of n bytes: see requantize.h. */
#define EW_HAS_SUM_8 1
EW_INLINE int32_t ew_sum_8(const uint8_t *p, int32_t n) {
  const __m128i zero = _mm_setzero_si128();
  __m128i sum = zero;
  int32_t k = 0;
  for (; k + 16 <= n; k += 16)
    sum = _mm_add_epi32(sum, _mm_sad_epu8(_mm_loadu_si128((const __m128i *)(p + k)), zero));
  if (k < n)
    sum = _mm_add_epi32(sum, _mm_sad_epu8(_mm_maskz_loadu_epi8(ew_first(n - k), p + k), zero));
  return _mm_cvtsi128_si32(sum) + _mm_extract_epi32(sum, 2);
}

/* `count`, 9 to 16, such sums of eight bytes, one behind the other, times a multiplier. */
EW_INLINE void ew_sums_of_eights(const uint8_t *p, int count, int32_t multiplier, int32_t *sums) {
  const __m512i zero = _mm512_setzero_si512();
  const __mmask8 more = (__mmask8)((1u << (count - 8)) - 1);
  const __m512i low = _mm512_sad_epu8(_mm512_loadu_si512(p), zero);
  const __m512i high = _mm512_sad_epu8(_mm512_maskz_loadu_epi64(more, p + 64), zero);
  const __m512i all = _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi64_epi32(low)),
                                         _mm512_cvtepi64_epi32(high), 1);
  _mm512_mask_storeu_epi32(sums, ew_first(count), ew_i32_mul(all, ew_i32_dup(multiplier)));
}

/* acc[c] plus four numbers of 0 to 15 times the four signed bytes at x. */
#define EW_HAS_NIBBLES 1
#define EW_NIBBLE_GROUPS 4 /* of sixteen columns at a time */
EW_INLINE ew_i32x16 ew_nibbles_dot(ew_i32x16 acc, ew_i32x16 w, const int8_t *x) {
  int32_t four;
  __builtin_memcpy(&four, x, 4);
  return _mm512_dpbusd_epi32(acc, w, _mm512_set1_epi32(four));
}

/* --- 64 bytes ------------------------------------------------------------------------------ */
typedef __m512i ew_bytes;
EW_INLINE ew_bytes ew_bytes_dup(int8_t s) { return _mm512_set1_epi8(s); }
EW_INLINE ew_bytes ew_words_dup(int16_t s) { return _mm512_set1_epi16(s); }
EW_INLINE ew_bytes ew_bytes_xor(ew_bytes a, ew_bytes b) { return _mm512_xor_si512(a, b); }
/* n bytes from one place, or from two or four to which 32 or 16 lanes each belong. */
EW_INLINE ew_bytes ew_bytes_load_lines(const uint8_t *const *p, const int share, int n) {
  if (share == 1)
    return n < 64 ? _mm512_maskz_loadu_epi8(((__mmask64)1 << n) - 1, p[0])
                  : _mm512_loadu_si512(p[0]);
  if (share == 2) {
    const __mmask32 some = (__mmask32)(((uint64_t)1 << n) - 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_maskz_loadu_epi8(some, p[0])),
                              _mm256_maskz_loadu_epi8(some, p[1]), 1);
  }
  const __m256i a = _mm256_inserti128_si256(
      _mm256_castsi128_si256(_mm_maskz_loadu_epi8(ew_first(n), p[0])),
      _mm_maskz_loadu_epi8(ew_first(n), p[1]), 1);
  const __m256i b = _mm256_inserti128_si256(
      _mm256_castsi128_si256(_mm_maskz_loadu_epi8(ew_first(n), p[2])),
      _mm_maskz_loadu_epi8(ew_first(n), p[3]), 1);
  return _mm512_inserti64x4(_mm512_castsi256_si512(a), b, 1);
}
EW_INLINE void ew_bytes_store_lines(uint8_t *const *p, ptrdiff_t at, ew_bytes a, const int share,
                                    int n) {
  if (share == 1) {
    if (n < 64) _mm512_mask_storeu_epi8(p[0] + at, ((__mmask64)1 << n) - 1, a);
    else _mm512_storeu_si512(p[0] + at, a);
  } else if (share == 2) {
    const __mmask32 some = (__mmask32)(((uint64_t)1 << n) - 1);
    _mm256_mask_storeu_epi8(p[0] + at, some, _mm512_castsi512_si256(a));
    _mm256_mask_storeu_epi8(p[1] + at, some, _mm512_extracti64x4_epi64(a, 1));
  } else {
    _mm_mask_storeu_epi8(p[0] + at, ew_first(n), _mm512_castsi512_si128(a));
    _mm_mask_storeu_epi8(p[1] + at, ew_first(n), _mm512_extracti32x4_epi32(a, 1));
    _mm_mask_storeu_epi8(p[2] + at, ew_first(n), _mm512_extracti32x4_epi32(a, 2));
    _mm_mask_storeu_epi8(p[3] + at, ew_first(n), _mm512_extracti32x4_epi32(a, 3));
  }
}
/* Bytes of the sixteen at p; `index` says which, of 0 to 15, four times for 16 lanes each. */
#define EW_HAS_BYTES_PICK 1
EW_INLINE ew_bytes ew_bytes_pick(const void *p, ew_i32x16 index) {
  const __m512i x = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)p));
  return _mm512_shuffle_epi8(x, index);
}
/* Eight numbers twice. */
EW_INLINE ew_i32x16 ew_i32_load_twice(const int32_t *p) {
  return _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)p));
}
/* Groups of a byte from each line; part j has the channels 4j to 4j + 3 of each sixteen. */
EW_INLINE void ew_bytes_interleave(const ew_bytes lines[4], ew_bytes parts[4]) {
  const __m512i a = _mm512_unpacklo_epi8(lines[0], lines[1]);
  const __m512i b = _mm512_unpacklo_epi8(lines[2], lines[3]);
  const __m512i c = _mm512_unpackhi_epi8(lines[0], lines[1]);
  const __m512i d = _mm512_unpackhi_epi8(lines[2], lines[3]);
  parts[0] = _mm512_unpacklo_epi16(a, b);
  parts[1] = _mm512_unpackhi_epi16(a, b);
  parts[2] = _mm512_unpacklo_epi16(c, d);
  parts[3] = _mm512_unpackhi_epi16(c, d);
}
EW_INLINE ew_i32x16 ew_bytes_dot(ew_i32x16 acc, ew_bytes x, ew_i32x16 w) {
  return _mm512_dpbusd_epi32(acc, x, w);
}
/* The parts as int8, with `zero` added to each; saturates. */
EW_INLINE ew_bytes ew_bytes_narrow(const ew_i32x16 parts[4], ew_bytes zero) {
  const __m512i low = _mm512_packs_epi32(parts[0], parts[1]);
  const __m512i high = _mm512_packs_epi32(parts[2], parts[3]);
  return _mm512_packs_epi16(_mm512_adds_epi16(low, zero), _mm512_adds_epi16(high, zero));
}
/* Four bytes of each channel, of four pixels that follow each other. With 16 channels lane i is
   channel i of the first four pixels of 64 bytes; with 8, the last eight lanes are those of pixels
   2 to 5. */
EW_INLINE ew_bytes ew_bytes_quads(const void *p, const int channels) {
  const __m512i order =
      channels == 16
          ? _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)
          : _mm512_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7, 4, 6, 8, 10, 5, 7, 9, 11);
  const __m512i turn = _mm512_broadcast_i32x4(
      _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  return _mm512_shuffle_epi8(_mm512_permutexvar_epi32(order, _mm512_loadu_si512(p)), turn);
}
/* The order of bytes that ew_bytes_narrow undoes: sixteen of each part; or, of parts with two times
   eight channels, those of the first halves of two parts, then those of their second halves. */
EW_INLINE ew_bytes ew_bytes_in_order(ew_bytes a, const int halves) {
  const __m512i order =
      halves ? _mm512_setr_epi32(0, 4, 1, 5, 8, 12, 9, 13, 2, 6, 3, 7, 10, 14, 11, 15)
             : _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, a);
}
/* Sixteen bytes of each part, one part after the other; `zero` (words) is added, all saturates. */
EW_INLINE ew_bytes ew_bytes_join(const ew_i32x16 parts[4], ew_bytes zero, const int is_signed) {
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i a = _mm512_adds_epi16(_mm512_packs_epi32(parts[0], parts[1]), zero);
  const __m512i b = _mm512_adds_epi16(_mm512_packs_epi32(parts[2], parts[3]), zero);
  return _mm512_permutexvar_epi32(order, is_signed ? _mm512_packs_epi16(a, b)
                                                   : _mm512_packus_epi16(a, b));
}
EW_INLINE ew_bytes ew_bytes_limit(ew_bytes a, ew_bytes lo, ew_bytes hi, const int is_signed) {
  return is_signed ? _mm512_min_epi8(_mm512_max_epi8(a, lo), hi)
                   : _mm512_min_epu8(_mm512_max_epu8(a, lo), hi);
}
/* The first n of 64 bytes, or all of them if n is larger; zeros behind. */
EW_INLINE ew_bytes ew_bytes_load_n(const void *p, int n) {
  return n < 64 ? _mm512_maskz_loadu_epi8(((__mmask64)1 << n) - 1, p) : _mm512_loadu_si512(p);
}
EW_INLINE void ew_bytes_store(void *p, ew_bytes a) { _mm512_storeu_si512(p, a); }
/* Reads n <= 32 bytes, writes 32, less the bits that `flip` inverts. */
EW_INLINE void ew_bytes_copy_32(void *to, const void *from, int n, int8_t flip) {
  const __mmask32 some = (__mmask32)(((uint64_t)1 << n) - 1);
  const __m256i a = _mm256_maskz_loadu_epi8(some, from);
  _mm256_storeu_si256((__m256i *)to, _mm256_xor_si256(a, _mm256_set1_epi8(flip)));
}
#define EW_HAS_BYTES_JOIN 1
EW_INLINE ew_bytes ew_bytes_clamp(ew_bytes a, ew_bytes lo, ew_bytes hi) {
  return _mm512_min_epi8(_mm512_max_epi8(a, lo), hi);
}

#endif
