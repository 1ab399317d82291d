/* 256 bytes looked up by bytes, with AVX-512 BW: 64 at a time. */
#ifndef EW_TABLE_AVX512_H
#define EW_TABLE_AVX512_H
#include "simd.h"
#if defined(__AVX512BW__) && !defined(EW_SIMD_SCALAR)
#define EW_HAS_TABLE_64 1

typedef struct ew_table_64 {
  __m512i part[4]; /* 32 words each */
} ew_table_64;

EW_INLINE ew_table_64 ew_table_64_load(const uint8_t *entries) {
  ew_table_64 t;
  EW_UNROLL for (int i = 0; i < 4; ++i) t.part[i] = _mm512_loadu_si512(entries + 64 * i);
  return t;
}

/* The words that hold the entries: bits 6 to 1 of an index choose among 64, bit 7 between halves. */
EW_INLINE __m512i ew_table_64_words(const ew_table_64 *t, __m512i index, __mmask32 upper) {
  const __m512i low = _mm512_permutex2var_epi16(t->part[0], index, t->part[1]);
  const __m512i high = _mm512_permutex2var_epi16(t->part[2], index, t->part[3]);
  return _mm512_mask_blend_epi16(upper, low, high);
}

/* Even and odd bytes on their own; bit 0 of an index says which byte of its word is the entry. */
EW_INLINE __m512i ew_table_64_look_up(const ew_table_64 *t, __m512i x) {
  const __mmask32 upper = _mm512_test_epi16_mask(x, _mm512_set1_epi16(0x80));
  const __mmask32 second = _mm512_test_epi16_mask(x, _mm512_set1_epi16(1));
  const __mmask32 first = _mm512_testn_epi16_mask(x, _mm512_set1_epi16(0x100));
  const __m512i even = ew_table_64_words(t, _mm512_srli_epi16(x, 1), upper);
  const __m512i odd = ew_table_64_words(t, _mm512_srli_epi16(x, 9), _mm512_movepi16_mask(x));
  const __m512i low = _mm512_mask_srli_epi16(even, second, even, 8);
  const __m512i high = _mm512_mask_slli_epi16(odd, first, odd, 8);
  return _mm512_mask_blend_epi8(0xAAAAAAAAAAAAAAAA, low, high);
}

/* y[i] = entries[x[i]]; y may be x. */
EW_INLINE void ew_table_64_map(const ew_table_64 *t, const uint8_t *x, uint8_t *y, int n) {
  int i = 0;
  for (; i + 64 <= n; i += 64)
    _mm512_storeu_si512(y + i, ew_table_64_look_up(t, _mm512_loadu_si512(x + i)));
  if (i == n) return;
  const __mmask64 rest = ((__mmask64)1 << (n - i)) - 1;
  const __m512i v = ew_table_64_look_up(t, _mm512_maskz_loadu_epi8(rest, x + i));
  _mm512_mask_storeu_epi8(y + i, rest, v);
}
EW_INLINE void ew_table_64_run(const uint8_t *x, const uint8_t *entries, uint8_t *y, int n) {
  const ew_table_64 t = ew_table_64_load(entries);
  ew_table_64_map(&t, x, y, n);
}

#endif
#endif
