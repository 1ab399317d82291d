/* Element-wise functions: one loop for any expression over the vocabulary, and the functions that
   operators are named after. */
#ifndef EW_ELEMENTWISE_H
#define EW_ELEMENTWISE_H
#include "math.h"

/* --- loops --------------------------------------------------------------------------------- */
/* py[i] = expression of x. `signature` is (const float *px, float *py, int n, ...). py may be px.
   The expression is written once: some are long. */
#define EW_UNARY_F32(name, signature, expression) \
  EW_KERNEL void name signature { \
    for (int i = 0; i < n; i += 16) { \
      const int rest = n - i; \
      const ew_f32x16 x = rest < 16 ? ew_f32_load_n(px + i, rest) : ew_f32_load(px + i); \
      const ew_f32x16 y = expression; \
      if (rest < 16) ew_f32_store_n(py + i, y, rest); \
      else ew_f32_store(py + i, y); \
    } \
  }

/* One operand of a row: a vector (v), or one element for all of it (s). */
#define EW_V_F32(p, i, n) ((n) < 16 ? ew_f32_load_n((p) + (i), (n)) : ew_f32_load((p) + (i)))
#define EW_S_F32(p, i, n) ew_f32_dup(*(p))

/* py[i] = expression of a and b. `signature` is (const float *pa, const float *pb, float *py, int n,
   ...). py may be pa or pb where that operand is a vector. */
#define EW_BINARY_F32(name, signature, read_a, read_b, expression) \
  EW_KERNEL void name signature { \
    int i = 0; \
    for (; i + 16 <= n; i += 16) { \
      const ew_f32x16 a = read_a(pa, i, 16), b = read_b(pb, i, 16); \
      ew_f32_store(py + i, expression); \
    } \
    if (i < n) { \
      const ew_f32x16 a = read_a(pa, i, n - i), b = read_b(pb, i, n - i); \
      ew_f32_store_n(py + i, expression, n - i); \
    } \
  }

/* The same for other types, one element at a time; `wide` is signed and holds every operand. */
#define EW_UNARY_INT(name, type, wide, signature, expression) \
  EW_KERNEL void name signature { \
    for (int i = 0; i < n; ++i) { \
      const wide x = px[i]; \
      py[i] = (type)(expression); \
    } \
  }
#define EW_BINARY(name, type, result, signature, step_a, step_b, expression) \
  EW_KERNEL void name signature { \
    for (int i = 0; i < n; ++i) { \
      const type a = pa[i * (step_a)], b = pb[i * (step_b)]; \
      py[i] = (result)(expression); \
    } \
  }
#define EW_CLAMP(v, lo, hi) ((v) < (lo) ? (lo) : (v) > (hi) ? (hi) : (v))

/* --- functions of one operand --------------------------------------------------------------- */
EW_INLINE ew_f32x16 ew_f32_sign(ew_f32x16 x) {
  const ew_f32x16 zero = ew_f32_dup(0.0f), one = ew_f32_dup(1.0f);
  const ew_f32x16 above = ew_f32_select(ew_f32_lt(zero, x), one, x); /* a NaN and zeros stay */
  return ew_f32_select(ew_f32_lt(x, zero), ew_f32_neg(one), above);
}
EW_INLINE ew_f32x16 ew_f32_clip(ew_f32x16 x, float lo, float hi) {
  return ew_f32_clamp(x, ew_f32_dup(lo), ew_f32_dup(hi));
}
EW_INLINE ew_f32x16 ew_f32_leaky_relu(ew_f32x16 x, float alpha) {
  const ew_f32x16 below = ew_f32_mul(x, ew_f32_dup(alpha));
  return ew_f32_select(ew_f32_lt(x, ew_f32_dup(0.0f)), below, x);
}
EW_INLINE ew_f32x16 ew_f32_elu(ew_f32x16 x, float alpha) {
  const ew_f32x16 below = ew_f32_mul(ew_f32_expm1(x), ew_f32_dup(alpha));
  return ew_f32_select(ew_f32_lt(x, ew_f32_dup(0.0f)), below, x);
}
EW_INLINE ew_f32x16 ew_f32_selu(ew_f32x16 x, float alpha, float gamma) {
  return ew_f32_mul(ew_f32_elu(x, alpha), ew_f32_dup(gamma));
}
EW_INLINE ew_f32x16 ew_f32_hard_sigmoid(ew_f32x16 x, float alpha, float beta) {
  return ew_f32_clip(ew_fma(x, ew_f32_dup(alpha), ew_f32_dup(beta)), 0.0f, 1.0f);
}
EW_INLINE ew_f32x16 ew_f32_hard_swish(ew_f32x16 x) {
  return ew_f32_mul(x, ew_f32_hard_sigmoid(x, 0.16666667f, 0.5f));
}
EW_INLINE ew_f32x16 ew_f32_softplus(ew_f32x16 x) {
  const ew_f32x16 decay = ew_f32_exp(ew_f32_neg(ew_f32_abs(x)));
  return ew_f32_add(ew_f32_max(ew_f32_dup(0.0f), x), ew_f32_log1p_unit(decay));
}
EW_INLINE ew_f32x16 ew_f32_softsign(ew_f32x16 x) {
  return ew_f32_div(x, ew_f32_add(ew_f32_dup(1.0f), ew_f32_abs(x)));
}
/* x sigmoid(x): all of it below x = -87 is smaller than 1e-36. */
EW_INLINE ew_f32x16 ew_f32_silu(ew_f32x16 x) {
  const ew_f32x16 top = ew_f32_max(ew_f32_dup(-87.0f), x);
  return ew_f32_div(top, ew_f32_exp_negated_plus_one(ew_f32_min(ew_f32_dup(87.0f), top)));
}
/* tanh(log(1 + e)) = n / (n + 2) with e = exp(x), n = e (e + 2); 1 from x = 20 on. */
EW_INLINE ew_f32x16 ew_f32_mish(ew_f32x16 x) {
  const ew_f32x16 two = ew_f32_dup(2.0f), e = ew_f32_exp(ew_f32_min(ew_f32_dup(20.0f), x));
  const ew_f32x16 n = ew_f32_mul(e, ew_f32_add(e, two));
  return ew_f32_mul(x, ew_f32_div(n, ew_f32_add(n, two)));
}
/* x / 2 (1 + tanh(u)) = x sigmoid(2 u) when approximated, x / 2 (1 + erf(x / sqrt(2))) otherwise. */
EW_INLINE ew_f32x16 ew_f32_gelu(ew_f32x16 x, float approximate) {
  if (approximate != 0.0f) {
    const ew_f32x16 cubic = ew_f32_mul(ew_f32_square(x), ew_f32_dup(0.0713548163f));
    return ew_f32_mul(x, ew_f32_sigmoid(ew_fma(x, cubic, ew_f32_mul(x, ew_f32_dup(1.59576912f)))));
  }
  return ew_f32_times_normal(x);
}

/* --- functions of two operands -------------------------------------------------------------- */
/* A NaN in either operand is the result. */
EW_INLINE ew_f32x16 ew_f32_minimum(ew_f32x16 a, ew_f32x16 b) {
  return ew_f32_select(ew_f32_eq(a, a), ew_f32_min(a, b), a);
}
EW_INLINE ew_f32x16 ew_f32_maximum(ew_f32x16 a, ew_f32x16 b) {
  return ew_f32_select(ew_f32_eq(a, a), ew_f32_max(a, b), a);
}
EW_INLINE ew_f32x16 ew_f32_prelu(ew_f32x16 x, ew_f32x16 slope) {
  return ew_f32_select(ew_f32_lt(x, ew_f32_dup(0.0f)), ew_f32_mul(x, slope), x);
}
/* What is left of |a| after subtracting every multiple of |b|: exact, bit by bit. */
EW_INLINE double ew_rest_f64(double a, double b) {
  double step = b;
  while (step <= a * 0.5) step *= 2.0;
  for (; step >= b; step *= 0.5)
    if (a >= step) a -= step;
  return a;
}
/* The rest of a / b with the sign of b. */
EW_KERNEL float ew_floor_mod_f32(float a, float b) {
  if (a - a != 0.0f || b != b || b == 0.0f) return __builtin_nanf("");
  double rest = a < 0.0f ? -(double)a : (double)a;
  if (b - b == 0.0f) rest = ew_rest_f64(rest, b < 0.0f ? -(double)b : (double)b);
  if (rest == 0.0) return b < 0.0f ? -0.0f : 0.0f;
  if (a < 0.0f) rest = -rest;
  return (float)((a < 0.0f) != (b < 0.0f) ? rest + (double)b : rest);
}
EW_LANES(ew_lanes_floor_mod, (const float *a, const float *b, float *y),
         ew_floor_mod_f32(a[i], b[i]))
EW_INLINE ew_f32x16 ew_f32_floor_mod(ew_f32x16 a, ew_f32x16 b) {
  float p[16], q[16], y[16];
  ew_f32_store(p, a);
  ew_f32_store(q, b);
  ew_lanes_floor_mod(p, q, y);
  return ew_f32_load(y);
}

/* Integers wrap around; division by zero gives 0 and the least value by -1 itself, as in NumPy. */
#define EW_INTEGERS(bits) \
  EW_INLINE int##bits##_t ew_add_i##bits(int##bits##_t a, int##bits##_t b) { \
    return (int##bits##_t)((uint##bits##_t)a + (uint##bits##_t)b); } \
  EW_INLINE int##bits##_t ew_sub_i##bits(int##bits##_t a, int##bits##_t b) { \
    return (int##bits##_t)((uint##bits##_t)a - (uint##bits##_t)b); } \
  EW_INLINE int##bits##_t ew_mul_i##bits(int##bits##_t a, int##bits##_t b) { \
    return (int##bits##_t)((uint##bits##_t)a * (uint##bits##_t)b); } \
  EW_INLINE int##bits##_t ew_div_i##bits(int##bits##_t a, int##bits##_t b) { \
    return b == 0 ? 0 : b == -1 ? ew_sub_i##bits(0, a) : a / b; } \
  EW_INLINE int##bits##_t ew_floor_mod_i##bits(int##bits##_t a, int##bits##_t b) { \
    const int##bits##_t rest = b == 0 || b == -1 ? 0 : a % b; \
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest; } \
  EW_INLINE int##bits##_t ew_floor_div_i##bits(int##bits##_t a, int##bits##_t b) { \
    const int##bits##_t q = ew_div_i##bits(a, b); \
    return b != 0 && ew_mul_i##bits(q, b) != a && (a < 0) != (b < 0) ? q - 1 : q; }
EW_INTEGERS(32)
EW_INTEGERS(64)

#endif
