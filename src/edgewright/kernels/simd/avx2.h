/* The SIMD vocabulary for AVX2 and FMA: two ymm registers. Words: see scalar.h. */
#ifndef EW_SIMD_AVX2_H
#define EW_SIMD_AVX2_H
#include <immintrin.h>

#define EW_ISA_NAME "avx2"
#define EW_F32_ROWS 6
#define EW_F32_BLOCKS 1
#define EW_Q8_ROWS 4
#define EW_Q8_BLOCKS 1
#define EW_DEPTHWISE_PIXELS 4
#define EW_DEPTHWISE_SLIDES 0

typedef struct ew_f32x16 { __m256 a, b; } ew_f32x16;
typedef struct ew_i32x16 { __m256i a, b; } ew_i32x16;
typedef ew_i32x16 ew_mask16; /* all bits of a lane, or none */

#define EW_F32(first, second) ((ew_f32x16){(first), (second)})
#define EW_I32(first, second) ((ew_i32x16){(first), (second)})
#define EW_F32_OP1(name, f) \
  EW_INLINE ew_f32x16 name(ew_f32x16 x) { return EW_F32(f(x.a), f(x.b)); }
#define EW_F32_OP2(name, f) \
  EW_INLINE ew_f32x16 name(ew_f32x16 x, ew_f32x16 y) { return EW_F32(f(x.a, y.a), f(x.b, y.b)); }
#define EW_I32_OP2(name, f) \
  EW_INLINE ew_i32x16 name(ew_i32x16 x, ew_i32x16 y) { return EW_I32(f(x.a, y.a), f(x.b, y.b)); }

/* Eight lanes, the first n of which are all ones. */
EW_INLINE __m256i ew_first8(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
/* Copies n < 32 bytes without touching a byte more and without a call. */
EW_INLINE void ew_copy_few(void *to, const void *from, int n) {
  char *t = (char *)to;
  const char *f = (const char *)from;
  if (n & 16) { __builtin_memcpy(t, f, 16); t += 16; f += 16; }
  if (n & 8) { __builtin_memcpy(t, f, 8); t += 8; f += 8; }
  if (n & 4) { __builtin_memcpy(t, f, 4); t += 4; f += 4; }
  if (n & 2) { __builtin_memcpy(t, f, 2); t += 2; f += 2; }
  if (n & 1) *t = *f;
}

/* --- float32 ------------------------------------------------------------------------------- */
EW_INLINE ew_f32x16 ew_f32_dup(float s) { return EW_F32(_mm256_set1_ps(s), _mm256_set1_ps(s)); }
EW_INLINE ew_f32x16 ew_f32_load(const float *p) {
  return EW_F32(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8));
}
EW_INLINE ew_f32x16 ew_f32_load_n(const float *p, int n) {
  return EW_F32(_mm256_maskload_ps(p, ew_first8(n)), _mm256_maskload_ps(p + 8, ew_first8(n - 8)));
}
#if defined(__F16C__)
#define EW_HAS_LOAD_F16 1
EW_INLINE ew_f32x16 ew_f32_load_f16(const uint16_t *p) {
  return EW_F32(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)),
                _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p + 8))));
}
#endif
EW_INLINE void ew_f32_store(float *p, ew_f32x16 x) {
  _mm256_storeu_ps(p, x.a);
  _mm256_storeu_ps(p + 8, x.b);
}
EW_INLINE void ew_f32_store_n(float *p, ew_f32x16 x, int n) {
  _mm256_maskstore_ps(p, ew_first8(n), x.a);
  _mm256_maskstore_ps(p + 8, ew_first8(n - 8), x.b);
}
EW_F32_OP2(ew_f32_add, _mm256_add_ps)
EW_F32_OP2(ew_f32_sub, _mm256_sub_ps)
EW_F32_OP2(ew_f32_mul, _mm256_mul_ps)
EW_F32_OP2(ew_f32_div, _mm256_div_ps)
EW_F32_OP2(ew_f32_max, _mm256_max_ps)
EW_F32_OP2(ew_f32_min, _mm256_min_ps)
EW_INLINE __m256 ew_abs8(__m256 x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
EW_INLINE __m256 ew_neg8(__m256 x) { return _mm256_xor_ps(_mm256_set1_ps(-0.0f), x); }
EW_INLINE __m256 ew_round8(__m256 x) { return _mm256_round_ps(x, 8); }
EW_INLINE __m256 ew_floor8(__m256 x) { return _mm256_round_ps(x, 9); }
EW_INLINE __m256 ew_ceil8(__m256 x) { return _mm256_round_ps(x, 10); }
EW_F32_OP1(ew_f32_abs, ew_abs8)
EW_F32_OP1(ew_f32_neg, ew_neg8)
EW_F32_OP1(ew_f32_round, ew_round8)
EW_F32_OP1(ew_f32_floor, ew_floor8)
EW_F32_OP1(ew_f32_ceil, ew_ceil8)
EW_F32_OP1(ew_f32_sqrt, _mm256_sqrt_ps)
EW_INLINE ew_f32x16 ew_fma(ew_f32x16 x, ew_f32x16 y, ew_f32x16 z) {
  return EW_F32(_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b));
}
EW_INLINE float ew_f32_sum(ew_f32x16 x) {
  const __m256 eight = _mm256_add_ps(x.a, x.b);
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
EW_INLINE float ew_f32_top(ew_f32x16 x) {
  const __m256 eight = _mm256_max_ps(x.a, x.b);
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

/* --- int32 --------------------------------------------------------------------------------- */
EW_INLINE ew_i32x16 ew_i32_dup(int32_t s) {
  return EW_I32(_mm256_set1_epi32(s), _mm256_set1_epi32(s));
}
EW_INLINE ew_i32x16 ew_i32_load(const int32_t *p) {
  return EW_I32(_mm256_loadu_si256((const __m256i *)p), _mm256_loadu_si256((const __m256i *)(p + 8)));
}
EW_INLINE ew_i32x16 ew_i32_load_n(const int32_t *p, int n) {
  return EW_I32(_mm256_maskload_epi32(p, ew_first8(n)),
                _mm256_maskload_epi32(p + 8, ew_first8(n - 8)));
}
EW_INLINE void ew_i32_store(int32_t *p, ew_i32x16 x) {
  _mm256_storeu_si256((__m256i *)p, x.a);
  _mm256_storeu_si256((__m256i *)(p + 8), x.b);
}
EW_INLINE void ew_i32_store_n(int32_t *p, ew_i32x16 x, int n) {
  _mm256_maskstore_epi32(p, ew_first8(n), x.a);
  _mm256_maskstore_epi32(p + 8, ew_first8(n - 8), x.b);
}
EW_I32_OP2(ew_i32_add, _mm256_add_epi32)
EW_I32_OP2(ew_i32_sub, _mm256_sub_epi32)
EW_I32_OP2(ew_i32_mul, _mm256_mullo_epi32)
EW_I32_OP2(ew_i32_max, _mm256_max_epi32)
EW_I32_OP2(ew_i32_min, _mm256_min_epi32)
EW_I32_OP2(ew_i32_and, _mm256_and_si256)
EW_I32_OP2(ew_i32_or, _mm256_or_si256)
EW_I32_OP2(ew_i32_xor, _mm256_xor_si256)
EW_I32_OP2(ew_i32_shlv, _mm256_sllv_epi32)
EW_I32_OP2(ew_i32_srav, _mm256_srav_epi32)
EW_INLINE ew_i32x16 ew_i32_shl(ew_i32x16 x, int by) {
  const __m128i count = _mm_cvtsi32_si128(by);
  return EW_I32(_mm256_sll_epi32(x.a, count), _mm256_sll_epi32(x.b, count));
}
EW_INLINE ew_i32x16 ew_i32_shr(ew_i32x16 x, int by) {
  const __m128i count = _mm_cvtsi32_si128(by);
  return EW_I32(_mm256_srl_epi32(x.a, count), _mm256_srl_epi32(x.b, count));
}
EW_INLINE ew_i32x16 ew_i32_sra(ew_i32x16 x, int by) {
  const __m128i count = _mm_cvtsi32_si128(by);
  return EW_I32(_mm256_sra_epi32(x.a, count), _mm256_sra_epi32(x.b, count));
}
EW_INLINE __m256i ew_mul_high8(__m256i x, __m256i y) {
  const __m256i half = _mm256_set1_epi64x(1 << 30);
  const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(x, y), half);
  const __m256i odd = _mm256_add_epi64(
      _mm256_mul_epi32(_mm256_srli_epi64(x, 32), _mm256_srli_epi64(y, 32)), half);
  return _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xAA);
}
EW_I32_OP2(ew_i32_mul_high, ew_mul_high8)
EW_INLINE int32_t ew_i32_sum(ew_i32x16 x) {
  const __m256i eight = _mm256_add_epi32(x.a, x.b);
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1)));
}

/* --- conversions --------------------------------------------------------------------------- */
EW_INLINE ew_f32x16 ew_f32_of_i32(ew_i32x16 x) {
  return EW_F32(_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b));
}
EW_INLINE ew_i32x16 ew_i32_of_f32(ew_f32x16 x) {
  return EW_I32(_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b));
}
EW_INLINE ew_f32x16 ew_f32_of_bits(ew_i32x16 x) {
  return EW_F32(_mm256_castsi256_ps(x.a), _mm256_castsi256_ps(x.b));
}
EW_INLINE ew_i32x16 ew_bits_of_f32(ew_f32x16 x) {
  return EW_I32(_mm256_castps_si256(x.a), _mm256_castps_si256(x.b));
}
EW_INLINE __m128i ew_load_bytes_n(const void *p, int n) {
  __m128i bytes = _mm_setzero_si128();
  ew_copy_few(&bytes, p, n);
  return bytes;
}
EW_INLINE ew_i32x16 ew_widen_s8(__m128i v) {
  return EW_I32(_mm256_cvtepi8_epi32(v), _mm256_cvtepi8_epi32(_mm_unpackhi_epi64(v, v)));
}
EW_INLINE ew_i32x16 ew_widen_u8(__m128i v) {
  return EW_I32(_mm256_cvtepu8_epi32(v), _mm256_cvtepu8_epi32(_mm_unpackhi_epi64(v, v)));
}
EW_INLINE ew_i32x16 ew_i32_load_s8(const int8_t *p) {
  return ew_widen_s8(_mm_loadu_si128((const __m128i *)p));
}
EW_INLINE ew_i32x16 ew_i32_load_s8_n(const int8_t *p, int n) {
  return ew_widen_s8(ew_load_bytes_n(p, n));
}
EW_INLINE ew_i32x16 ew_i32_load_u8(const uint8_t *p) {
  return ew_widen_u8(_mm_loadu_si128((const __m128i *)p));
}
EW_INLINE ew_i32x16 ew_i32_load_u8_n(const uint8_t *p, int n) {
  return ew_widen_u8(ew_load_bytes_n(p, n));
}
EW_INLINE ew_i32x16 ew_i32_load_s16(const int16_t *p) {
  return EW_I32(_mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)p)),
                _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(p + 8))));
}
EW_INLINE ew_i32x16 ew_i32_load_s16_n(const int16_t *p, int n) {
  int16_t lanes[16] = {0};
  ew_copy_few(lanes, p, 2 * n);
  return n < 16 ? ew_i32_load_s16(lanes) : ew_i32_load_s16(p);
}
/* Saturates to sixteen int16; vpackssdw works within 128-bit halves, hence the permutation. */
EW_INLINE __m256i ew_narrow_s16(ew_i32x16 x) {
  return _mm256_permute4x64_epi64(_mm256_packs_epi32(x.a, x.b), 0xD8);
}
EW_INLINE __m128i ew_narrow_s8(ew_i32x16 x) {
  const __m256i s = ew_narrow_s16(x);
  return _mm_packs_epi16(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
}
EW_INLINE __m128i ew_narrow_u8(ew_i32x16 x) {
  const __m256i s = ew_narrow_s16(x);
  return _mm_packus_epi16(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
}
EW_INLINE void ew_i32_store_s8(int8_t *p, ew_i32x16 x) {
  _mm_storeu_si128((__m128i *)p, ew_narrow_s8(x));
}
EW_INLINE void ew_i32_store_s8_n(int8_t *p, ew_i32x16 x, int n) {
  const __m128i bytes = ew_narrow_s8(x);
  ew_copy_few(p, &bytes, n);
}
EW_INLINE void ew_i32_store_u8(uint8_t *p, ew_i32x16 x) {
  _mm_storeu_si128((__m128i *)p, ew_narrow_u8(x));
}
EW_INLINE void ew_i32_store_u8_n(uint8_t *p, ew_i32x16 x, int n) {
  const __m128i bytes = ew_narrow_u8(x);
  ew_copy_few(p, &bytes, n);
}
EW_INLINE void ew_i32_store_s16(int16_t *p, ew_i32x16 x) {
  _mm256_storeu_si256((__m256i *)p, ew_narrow_s16(x));
}
EW_INLINE void ew_i32_store_s16_n(int16_t *p, ew_i32x16 x, int n) {
  const __m256i words = ew_narrow_s16(x);
  if (n < 16) ew_copy_few(p, &words, 2 * n);
  else ew_i32_store_s16(p, x);
}

/* --- masks --------------------------------------------------------------------------------- */
#define EW_F32_CMP(name, how) \
  EW_INLINE ew_mask16 name(ew_f32x16 x, ew_f32x16 y) { \
    return EW_I32(_mm256_castps_si256(_mm256_cmp_ps(x.a, y.a, how)), \
                  _mm256_castps_si256(_mm256_cmp_ps(x.b, y.b, how))); }
EW_F32_CMP(ew_f32_lt, _CMP_LT_OQ)
EW_F32_CMP(ew_f32_le, _CMP_LE_OQ)
EW_F32_CMP(ew_f32_eq, _CMP_EQ_OQ)
EW_I32_OP2(ew_i32_gt, _mm256_cmpgt_epi32)
EW_I32_OP2(ew_i32_eq, _mm256_cmpeq_epi32)
EW_I32_OP2(ew_mask_and, _mm256_and_si256)
EW_I32_OP2(ew_mask_or, _mm256_or_si256)
EW_INLINE ew_mask16 ew_mask_not(ew_mask16 m) { return ew_i32_xor(m, ew_i32_dup(-1)); }
EW_INLINE ew_i32x16 ew_i32_select(ew_mask16 m, ew_i32x16 x, ew_i32x16 y) {
  return EW_I32(_mm256_blendv_epi8(y.a, x.a, m.a), _mm256_blendv_epi8(y.b, x.b, m.b));
}
EW_INLINE ew_f32x16 ew_f32_select(ew_mask16 m, ew_f32x16 x, ew_f32x16 y) {
  return ew_f32_of_bits(ew_i32_select(m, ew_bits_of_f32(x), ew_bits_of_f32(y)));
}

/* --- integer products ---------------------------------------------------------------------- */
/* The upper half of each multiplier is 0, so that vpmaddwd's second product adds nothing. */
EW_INLINE ew_i32x16 ew_i32_load_mac(const int16_t *p) {
  return EW_I32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)),
                _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(p + 8))));
}
EW_INLINE ew_i32x16 ew_i32_mac(ew_i32x16 acc, ew_i32x16 x, ew_i32x16 w) {
  return ew_i32_add(acc, EW_I32(_mm256_madd_epi16(x.a, w.a), _mm256_madd_epi16(x.b, w.b)));
}

/* acc + x * w of both int16 of each lane. */
EW_INLINE ew_i32x16 ew_i32_dot2(ew_i32x16 acc, ew_i32x16 x, ew_i32x16 w) {
  return ew_i32_mac(acc, x, w);
}

/* --- int16 --------------------------------------------------------------------------------- */
typedef struct ew_i16x32 { __m256i a, b; } ew_i16x32;
EW_INLINE __m256i ew_i16_load_half(const uint8_t *p, const int is_signed) {
  const __m128i v = _mm_loadu_si128((const __m128i *)p);
  return _mm256_cvtepi8_epi16(is_signed ? v : _mm_xor_si128(v, _mm_set1_epi8(-128)));
}
/* The first n (16 or 32) bytes; unsigned ones less 128. */
EW_INLINE ew_i16x32 ew_i16_load_8(const uint8_t *p, int n, const int is_signed) {
  return (ew_i16x32){ew_i16_load_half(p, is_signed),
                     n < 32 ? _mm256_setzero_si256() : ew_i16_load_half(p + 16, is_signed)};
}
EW_INLINE void ew_i16_store(int16_t *p, ew_i16x32 x) {
  _mm256_storeu_si256((__m256i *)p, x.a);
  _mm256_storeu_si256((__m256i *)(p + 16), x.b);
}
EW_INLINE ew_i16x32 ew_i16_add(ew_i16x32 x, ew_i16x32 y) {
  return (ew_i16x32){_mm256_add_epi16(x.a, y.a), _mm256_add_epi16(x.b, y.b)};
}
EW_INLINE ew_i16x32 ew_i16_sub(ew_i16x32 x, ew_i16x32 y) {
  return (ew_i16x32){_mm256_sub_epi16(x.a, y.a), _mm256_sub_epi16(x.b, y.b)};
}
EW_INLINE ew_i16x32 ew_i16_shl(ew_i16x32 x, const int by) {
  const __m128i count = _mm_cvtsi32_si128(by);
  return (ew_i16x32){_mm256_sll_epi16(x.a, count), _mm256_sll_epi16(x.b, count)};
}

/* Bytes 0, 2 and bytes 1, 3 of each group of four, as int16 pairs: vpmaddubsw would saturate
   (2 * 255 * 127 > 32767), and with this split one 32-bit lane still belongs to one column. */
typedef struct ew_dot_x { __m256i even, odd; } ew_dot_x;
typedef struct ew_dot_w { ew_i32x16 even, odd; } ew_dot_w;
EW_INLINE ew_dot_x ew_dot_load_x(const uint8_t *p) {
  int32_t four;
  __builtin_memcpy(&four, p, 4);
  const __m256i x = _mm256_set1_epi32(four);
  return (ew_dot_x){_mm256_and_si256(x, _mm256_set1_epi16(255)), _mm256_srli_epi16(x, 8)};
}
/* Four int16, the numbers 0, 2, 1 and 3 of a row, for int8 weights. */
#define EW_HAS_DOT_PAIRS 1
EW_INLINE ew_dot_x ew_dot_load_pairs(const int16_t *p) {
  int32_t pairs[2];
  __builtin_memcpy(pairs, p, 8);
  return (ew_dot_x){_mm256_set1_epi32(pairs[0]), _mm256_set1_epi32(pairs[1])};
}
/* 16 bytes, less the bits that `flip` inverts, for weights of four columns [4][16]. */
#define EW_HAS_DOT_LINES 1
EW_INLINE ew_dot_x ew_dot_load_lines(const uint8_t *p, int8_t flip) {
  const __m128i bytes = _mm_xor_si128(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi8(flip));
  const __m256i x = _mm256_broadcastsi128_si256(bytes);
  return (ew_dot_x){_mm256_and_si256(x, _mm256_set1_epi16(255)), _mm256_srli_epi16(x, 8)};
}
EW_INLINE ew_dot_w ew_dot_load_w(const int8_t *p) {
  const __m256i a = _mm256_loadu_si256((const __m256i *)p);
  const __m256i b = _mm256_loadu_si256((const __m256i *)(p + 32));
  return (ew_dot_w){EW_I32(_mm256_srai_epi16(_mm256_slli_epi16(a, 8), 8),
                           _mm256_srai_epi16(_mm256_slli_epi16(b, 8), 8)),
                    EW_I32(_mm256_srai_epi16(a, 8), _mm256_srai_epi16(b, 8))};
}
EW_INLINE ew_i32x16 ew_dot4(ew_i32x16 acc, ew_dot_x x, ew_dot_w w) {
  const ew_i32x16 even = EW_I32(x.even, x.even), odd = EW_I32(x.odd, x.odd);
  return ew_i32_mac(ew_i32_mac(acc, even, w.even), odd, w.odd);
}

/* acc[c] plus four numbers of 0 to 15 times the four signed bytes at x: two fit int16. */
#define EW_HAS_NIBBLES 1
#define EW_NIBBLE_GROUPS 1 /* of sixteen columns at a time */
EW_INLINE ew_i32x16 ew_nibbles_dot(ew_i32x16 acc, ew_i32x16 w, const int8_t *x) {
  int32_t four;
  __builtin_memcpy(&four, x, 4);
  const __m256i bytes = _mm256_set1_epi32(four), ones = _mm256_set1_epi16(1);
  const __m256i a = _mm256_madd_epi16(_mm256_maddubs_epi16(w.a, bytes), ones);
  const __m256i b = _mm256_madd_epi16(_mm256_maddubs_epi16(w.b, bytes), ones);
  return EW_I32(_mm256_add_epi32(acc.a, a), _mm256_add_epi32(acc.b, b));
}

#endif
