/* Element-wise functions of quantised tensors (docs/reference/integer.md). */
#ifndef EW_ELEMENTWISE_Q_H
#define EW_ELEMENTWISE_Q_H
#include "requantize.h"
#include "table_avx512.h"

/* The trained numbers of a function of two operands; `pack_pair` in ops/quantised_c.py writes it.
   A factor is a multiplier and its shift; `left` is the shift of both operands before it. */
typedef struct ew_q_pair {
  int32_t a_zero, b_zero, y_zero, lo, hi, left;
  int32_t a[2], b[2], y[2];
} ew_q_pair;

/* Limits v to [lo, hi] less the zero point, and adds the zero point. */
EW_INLINE ew_i32x16 ew_q_limit(ew_i32x16 v, const ew_q_pair *p) {
  const ew_i32x16 above = ew_i32_max(v, ew_i32_dup(p->lo - p->y_zero));
  return ew_i32_add(ew_i32_min(above, ew_i32_dup(p->hi - p->y_zero)), ew_i32_dup(p->y_zero));
}

/* a * first + b * second, shifted right, halves up. */
EW_INLINE ew_i32x16 ew_q_add_short(ew_i32x16 a, ew_i32x16 b, const ew_q_pair *p) {
  const ew_i32x16 first = ew_i32_mul(a, ew_i32_dup(p->a[0]));
  const ew_i32x16 sum = ew_i32_add(first, ew_i32_mul(b, ew_i32_dup(p->b[0])));
  const ew_i32x16 half = ew_i32_dup((int32_t)(1u << (p->y[1] - 1)));
  return ew_q_limit(ew_i32_sra(ew_i32_add(sum, half), p->y[1]), p);
}
EW_INLINE ew_i32x16 ew_q_add_fixed(ew_i32x16 a, ew_i32x16 b, const ew_q_pair *p) {
  const ew_i32x16 first = ew_i32_multiply_by(ew_i32_shl(a, p->left), p->a);
  const ew_i32x16 second = ew_i32_multiply_by(ew_i32_shl(b, p->left), p->b);
  return ew_q_limit(ew_i32_multiply_by(ew_i32_add(first, second), p->y), p);
}
EW_INLINE ew_i32x16 ew_q_sub_fixed(ew_i32x16 a, ew_i32x16 b, const ew_q_pair *p) {
  const ew_i32x16 first = ew_i32_multiply_by(ew_i32_shl(a, p->left), p->a);
  const ew_i32x16 second = ew_i32_multiply_by(ew_i32_shl(b, p->left), p->b);
  return ew_q_limit(ew_i32_multiply_by(ew_i32_sub(first, second), p->y), p);
}
EW_INLINE ew_i32x16 ew_q_squared_difference(ew_i32x16 a, ew_i32x16 b, const ew_q_pair *p) {
  const ew_i32x16 first = ew_i32_multiply_by(ew_i32_shl(a, p->left), p->a);
  const ew_i32x16 second = ew_i32_multiply_by(ew_i32_shl(b, p->left), p->b);
  const ew_i32x16 difference = ew_i32_sub(first, second);
  return ew_q_limit(ew_i32_multiply_by(ew_i32_mul(difference, difference), p->y), p);
}
EW_INLINE ew_i32x16 ew_q_mul_float(ew_i32x16 a, ew_i32x16 b, const ew_q_pair *p) {
  const ew_f32x16 scale = ew_f32_dup(ew_float_of_bits(p->y[0]));
  const ew_f32x16 real = ew_f32_mul(ew_f32_of_i32(ew_i32_mul(a, b)), scale);
  const ew_i32x16 whole = ew_round_within(real, p->lo - p->y_zero, p->hi - p->y_zero);
  return ew_i32_add(whole, ew_i32_dup(p->y_zero));
}
EW_INLINE ew_i32x16 ew_q_mul_fixed(ew_i32x16 a, ew_i32x16 b, const ew_q_pair *p) {
  return ew_q_limit(ew_i32_multiply_by(ew_i32_mul(a, b), p->y), p);
}
/* x where it is not negative, else x * slope; each with its own factor. */
EW_INLINE ew_i32x16 ew_q_prelu(ew_i32x16 a, ew_i32x16 b, const ew_q_pair *p) {
  const ew_i32x16 below = ew_i32_multiply_by(ew_i32_mul(a, b), p->b);
  const ew_mask16 negative = ew_i32_gt(ew_i32_dup(0), a);
  return ew_q_limit(ew_i32_select(negative, below, ew_i32_multiply_by(a, p->a)), p);
}

/* One operand of a row: a vector (v), or one element for all of it (s). */
#define EW_V_Q(suffix, p, i, n) \
  ((n) < 16 ? ew_i32_load_##suffix##_n((p) + (i), (n)) : ew_i32_load_##suffix((p) + (i)))
#define EW_S_Q(suffix, p, i, n) ew_i32_dup(*(p))

/* A row of a function of two operands. py may be an operand that is a vector. */
#define EW_BINARY_Q(name, suffix, type, read_a, read_b, function) \
  EW_KERNEL void name(const type *pa, const type *pb, type *py, int n, const int32_t *numbers) { \
    ew_q_pair q; \
    __builtin_memcpy(&q, numbers, sizeof q); \
    const ew_i32x16 a_zero = ew_i32_dup(q.a_zero), b_zero = ew_i32_dup(q.b_zero); \
    int i = 0; \
    for (; i + 16 <= n; i += 16) { \
      const ew_i32x16 a = ew_i32_sub(read_a(suffix, pa, i, 16), a_zero); \
      const ew_i32x16 b = ew_i32_sub(read_b(suffix, pb, i, 16), b_zero); \
      ew_i32_store_##suffix(py + i, function(a, b, &q)); \
    } \
    if (i < n) { \
      const ew_i32x16 a = ew_i32_sub(read_a(suffix, pa, i, n - i), a_zero); \
      const ew_i32x16 b = ew_i32_sub(read_b(suffix, pb, i, n - i), b_zero); \
      ew_i32_store_##suffix##_n(py + i, function(a, b, &q), n - i); \
    } \
  }

/* y[i] = table[x[i]]: any function of one 8-bit operand. y may be x. */
EW_KERNEL void ew_table_8(const void *x, const void *table, void *y, int n) {
  const uint8_t *from = (const uint8_t *)x, *entries = (const uint8_t *)table;
  uint8_t *to = (uint8_t *)y;
#if defined(EW_HAS_TABLE_64)
  ew_table_64_run(from, entries, to, n);
#else
  int i = 0;
  for (; i + 8 <= n; i += 8) {
    uint8_t v[8];
    for (int k = 0; k < 8; ++k) v[k] = entries[from[i + k]];
    __builtin_memcpy(to + i, v, 8); /* a plain one is a call under -ffreestanding */
  }
  for (; i < n; ++i) to[i] = entries[from[i]];
#endif
}

/* Two slopes for int16: numbers are x_zero, y_zero, lo, hi, the factor from 0 up and that below. */
EW_KERNEL void ew_slopes_s16(const int16_t *x, const int32_t *numbers, int16_t *y, int n) {
  int32_t q[8];
  __builtin_memcpy(q, numbers, sizeof q);
  for (int i = 0; i < n; i += 16) {
    const int rest = n - i < 16 ? n - i : 16;
    const ew_i32x16 v = ew_i32_sub(ew_i32_load_s16_n(x + i, rest), ew_i32_dup(q[0]));
    const ew_mask16 negative = ew_i32_gt(ew_i32_dup(0), v);
    const ew_i32x16 w =
        ew_i32_select(negative, ew_i32_multiply_by(v, q + 6), ew_i32_multiply_by(v, q + 4));
    const ew_i32x16 above = ew_i32_max(ew_i32_add(w, ew_i32_dup(q[1])), ew_i32_dup(q[2]));
    ew_i32_store_s16_n(y + i, ew_i32_min(above, ew_i32_dup(q[3])), rest);
  }
}

#endif
