/* float32 mathematics on sixteen lanes, without libc.

   Largest errors, measured against float64 on every ISA level (tests/ops/test_math.py), in units of
   the last place: exp 2, log 2, tanh 3, sigmoid 3 or 2^-125, erf 3, sin and cos 1, pow 1, rsqrt 2;
   floor, ceil, round, sqrt, reciprocal are exact. NaN in gives NaN; infinities and signed zeros
   follow IEEE 754 and NumPy; denormal operands and results are kept. sin and cos reduce |x| <= 2^28
   accurately and give NaN beyond. */
#ifndef EW_MATH_H
#define EW_MATH_H
#include "simd.h"

EW_INLINE ew_f32x16 ew_f32_square(ew_f32x16 x) { return ew_f32_mul(x, x); }
EW_INLINE ew_f32x16 ew_f32_reciprocal(ew_f32x16 x) { return ew_f32_div(ew_f32_dup(1.0f), x); }
EW_INLINE ew_f32x16 ew_f32_rsqrt(ew_f32x16 x) { return ew_f32_reciprocal(ew_f32_sqrt(x)); }

/* x with the sign of s (x must not have one). */
EW_INLINE ew_f32x16 ew_f32_with_sign(ew_f32x16 x, ew_f32x16 s) {
  const ew_i32x16 sign = ew_i32_and(ew_bits_of_f32(s), ew_i32_dup(INT32_MIN));
  return ew_f32_of_bits(ew_i32_or(ew_bits_of_f32(x), sign));
}

/* c[0] + c[1] x + ... + c[n-1] x^(n-1) by Horner's rule. */
EW_INLINE ew_f32x16 ew_f32_polynomial(ew_f32x16 x, const float *c, int n) {
  ew_f32x16 sum = ew_f32_dup(c[n - 1]);
  for (int i = n - 2; i >= 0; --i) sum = ew_fma(sum, x, ew_f32_dup(c[i]));
  return sum;
}

/* x * 2^k for -252 <= k <= 254, in two factors so that neither leaves the range of exponents. */
EW_INLINE ew_f32x16 ew_f32_scale(ew_f32x16 x, ew_i32x16 k) {
  const ew_i32x16 bias = ew_i32_dup(127), half = ew_i32_sra(k, 1);
  const ew_i32x16 first = ew_i32_shl(ew_i32_add(half, bias), 23);
  const ew_i32x16 second = ew_i32_shl(ew_i32_add(ew_i32_sub(k, half), bias), 23);
  return ew_f32_mul(ew_f32_mul(x, ew_f32_of_bits(first)), ew_f32_of_bits(second));
}

/* x = k ln 2 + r with |r| <= ln 2 / 2; k * 0.693359375 is exact. */
EW_INLINE ew_f32x16 ew_f32_reduce_ln2(ew_f32x16 x, ew_f32x16 *k) {
  *k = ew_f32_round(ew_f32_mul(x, ew_f32_dup(1.44269504f)));
  const ew_f32x16 high = ew_fma(*k, ew_f32_dup(-0.693359375f), x);
  return ew_fma(*k, ew_f32_dup(2.12194440e-4f), high);
}

/* (e^r - 1 - r) for |r| <= ln 2 / 2. */
EW_INLINE ew_f32x16 ew_f32_exp_tail(ew_f32x16 r) {
  static const float c[] = {0.5f,           0.166666672f,   0.0416662693f,
                            0.00833326764f, 0.00139462214f, 0.000199166941f};
  return ew_f32_mul(ew_f32_square(r), ew_f32_polynomial(r, c, 6));
}

/* e^r for |r| <= ln 2 / 2. Not one polynomial, which takes 2 cycles less: what fused sums round
   otherwise lies in the small tail, so that results have the same bits on nearly all CPUs. */
EW_INLINE ew_f32x16 ew_f32_exp_reduced(ew_f32x16 r) {
  return ew_f32_add(ew_f32_dup(1.0f), ew_f32_add(r, ew_f32_exp_tail(r)));
}

EW_INLINE ew_f32x16 ew_f32_exp(ew_f32x16 x) {
  ew_f32x16 k;
  /* Beyond these bounds the result is 0 or infinity anyway. */
  const ew_f32x16 v = ew_f32_clamp(x, ew_f32_dup(-105.0f), ew_f32_dup(90.0f));
  const ew_f32x16 r = ew_f32_reduce_ln2(v, &k);
  return ew_f32_scale(ew_f32_exp_reduced(r), ew_i32_of_f32(k));
}

/* e^x for x <= 0 only, with results below 2^-126 taken as 0: cheaper, for softmax and tanh. */
EW_INLINE ew_f32x16 ew_f32_exp_negative(ew_f32x16 x) {
  ew_f32x16 k;
  const ew_f32x16 v = ew_f32_max(ew_f32_dup(-87.6f), x);
  const ew_f32x16 r = ew_f32_reduce_ln2(v, &k);
  const ew_i32x16 exponent = ew_i32_shl(ew_i32_of_f32(k), 23);
  const ew_i32x16 power = ew_bits_of_f32(ew_f32_exp_reduced(r));
  const ew_f32x16 y = ew_f32_of_bits(ew_i32_add(power, exponent));
  const ew_f32x16 small = ew_f32_select(ew_f32_lt(x, ew_f32_dup(-87.0f)), ew_f32_dup(0.0f), y);
  return ew_f32_select(ew_f32_eq(x, x), small, x);
}

/* e^x - 1, accurate near 0 as well. */
EW_INLINE ew_f32x16 ew_f32_expm1(ew_f32x16 x) {
  ew_f32x16 k;
  const ew_f32x16 v = ew_f32_clamp(x, ew_f32_dup(-30.0f), ew_f32_dup(90.0f));
  const ew_f32x16 r = ew_f32_reduce_ln2(v, &k);
  const ew_f32x16 small = ew_f32_add(r, ew_f32_exp_tail(r));
  const ew_i32x16 whole = ew_i32_of_f32(k);
  const ew_f32x16 one = ew_f32_dup(1.0f);
  const ew_f32x16 rest = ew_f32_sub(ew_f32_scale(one, whole), one);
  const ew_f32x16 large = ew_f32_add(ew_f32_scale(small, whole), rest);
  const ew_f32x16 y = ew_f32_select(ew_i32_eq(whole, ew_i32_dup(0)), small, large);
  const ew_f32x16 top = ew_f32_select(ew_f32_lt(ew_f32_dup(87.0f), x), ew_f32_exp(x), y);
  return ew_f32_select(ew_f32_eq(x, ew_f32_dup(0.0f)), x, top);
}

/* log(1 + f) - f for -0.3 < f < 0.42. */
EW_INLINE ew_f32x16 ew_f32_log1p_tail(ew_f32x16 f) {
  static const float c[] = {0.333333135f,  -0.250000089f, 0.200021192f,  -0.166679859f, 0.14219518f,
                            -0.124057591f, 0.118886165f,  -0.11674796f, 0.0674450099f};
  const ew_f32x16 square = ew_f32_square(f);
  const ew_f32x16 cube = ew_f32_mul(square, ew_f32_mul(f, ew_f32_polynomial(f, c, 9)));
  return ew_fma(square, ew_f32_dup(-0.5f), cube);
}

/* log of what is positive and finite: x = 2^k (1 + f), sqrt(1/2) <= 1 + f < sqrt(2). */
EW_INLINE ew_f32x16 ew_f32_log_positive(ew_f32x16 x) {
  const ew_mask16 tiny = ew_f32_lt(x, ew_f32_dup(1.17549435e-38f));
  const ew_f32x16 normal = ew_f32_select(tiny, ew_f32_mul(x, ew_f32_dup(8388608.0f)), x);
  const ew_i32x16 bits = ew_i32_sub(ew_bits_of_f32(normal), ew_i32_dup(0x3f3504f3));
  const ew_i32x16 shift = ew_i32_select(tiny, ew_i32_dup(23), ew_i32_dup(0));
  const ew_f32x16 k = ew_f32_of_i32(ew_i32_sub(ew_i32_sra(bits, 23), shift));
  const ew_i32x16 mantissa = ew_i32_and(bits, ew_i32_dup(0x007fffff));
  const ew_f32x16 m = ew_f32_of_bits(ew_i32_add(mantissa, ew_i32_dup(0x3f3504f3)));
  const ew_f32x16 f = ew_f32_sub(m, ew_f32_dup(1.0f));
  const ew_f32x16 low = ew_fma(k, ew_f32_dup(-2.12194440e-4f), ew_f32_log1p_tail(f));
  return ew_fma(k, ew_f32_dup(0.693359375f), ew_f32_add(f, low));
}

EW_INLINE ew_f32x16 ew_f32_log(ew_f32x16 x) {
  const ew_f32x16 zero = ew_f32_dup(0.0f), infinity = ew_f32_dup(EW_INFINITY);
  const ew_f32x16 y = ew_f32_log_positive(x);
  /* inf - inf is the NaN of a negative number; adding x keeps a NaN and infinity. */
  const ew_f32x16 below =
      ew_f32_select(ew_f32_eq(x, zero), ew_f32_neg(infinity), ew_f32_sub(infinity, infinity));
  const ew_f32x16 above = ew_f32_select(ew_f32_lt(x, infinity), y, ew_f32_add(x, x));
  return ew_f32_select(ew_f32_le(x, zero), below, above);
}

/* log(1 + x) for 0 <= x <= 1: what rounding 1 + x loses is put back. */
EW_INLINE ew_f32x16 ew_f32_log1p_unit(ew_f32x16 x) {
  const ew_f32x16 one = ew_f32_dup(1.0f), sum = ew_f32_add(one, x);
  const ew_f32x16 lost = ew_f32_sub(x, ew_f32_sub(sum, one));
  const ew_f32x16 large = ew_f32_add(ew_f32_log_positive(sum), ew_f32_div(lost, sum));
  const ew_f32x16 small = ew_f32_add(x, ew_f32_log1p_tail(x));
  return ew_f32_select(ew_f32_lt(x, ew_f32_dup(0.4f)), small, large);
}

EW_INLINE ew_f32x16 ew_f32_tanh(ew_f32x16 x) {
  static const float c[] = {-0.333333254f, 0.133329839f,    -0.0539209545f,
                            0.0215710551f, -0.00788329821f, 0.00189565902f};
  const ew_f32x16 one = ew_f32_dup(1.0f), size = ew_f32_abs(x), square = ew_f32_square(x);
  const ew_f32x16 tail = ew_f32_mul(ew_f32_mul(x, square), ew_f32_polynomial(square, c, 6));
  const ew_f32x16 small = ew_f32_add(x, tail);
  const ew_f32x16 decay = ew_f32_exp_negative(ew_f32_mul(size, ew_f32_dup(-2.0f)));
  const ew_f32x16 large = ew_f32_div(ew_f32_sub(one, decay), ew_f32_add(one, decay));
  const ew_mask16 near = ew_f32_lt(size, ew_f32_dup(0.7f));
  return ew_f32_select(near, small, ew_f32_with_sign(large, x));
}

/* 1 + e^-x within 2 units of the last place, for |x| <= 87; a NaN may give any number. */
EW_INLINE ew_f32x16 ew_f32_exp_negated_plus_one(ew_f32x16 x) {
  static const float c[] = {0.49999994f, -0.166665211f, 0.041668389f, -0.00836874545f,
                            0.00138145406f};
  const ew_f32x16 one = ew_f32_dup(1.0f), k = ew_f32_round(ew_f32_mul(x, ew_f32_dup(-1.44269504f)));
  /* e^-x = 2^k e^-s, |s| <= ln 2 / 2 */
  const ew_f32x16 high = ew_fma(k, ew_f32_dup(0.693359375f), x);
  const ew_f32x16 s = ew_fma(k, ew_f32_dup(-2.12194440e-4f), high);
  const ew_f32x16 curve = ew_f32_polynomial(s, c, 5);
  const ew_f32x16 power = ew_fma(ew_f32_square(s), curve, ew_f32_sub(one, s));
  const ew_i32x16 exponent = ew_i32_shl(ew_i32_of_f32(k), 23);
  return ew_f32_add(one, ew_f32_of_bits(ew_i32_add(ew_bits_of_f32(power), exponent)));
}

EW_INLINE ew_f32x16 ew_f32_sigmoid(ew_f32x16 x) {
  const ew_f32x16 inside = ew_f32_clamp(x, ew_f32_dup(-87.0f), ew_f32_dup(87.0f));
  const ew_f32x16 y = ew_f32_div(ew_f32_dup(1.0f), ew_f32_exp_negated_plus_one(inside));
  return ew_f32_select(ew_f32_eq(x, x), y, x);
}

EW_INLINE ew_f32x16 ew_f32_erf(ew_f32x16 x) {
  static const float near[] = {1.12837911f,    -0.37612626f,    0.112836003f,  -0.0268544443f,
                               0.00518953521f, -0.000802083989f, 7.88911493e-05f};
  static const float far[] = {-0.000183446202f, 1.12955689f,   0.633262575f,     0.108372502f,
                              -0.0251789838f,   0.0041936175f, -0.000439107767f, 2.14962402e-05f};
  const ew_f32x16 size = ew_f32_abs(x);
  const ew_f32x16 small = ew_f32_mul(x, ew_f32_polynomial(ew_f32_square(x), near, 7));
  /* erf(4) rounds to 1; -log(1 - erf) is smooth. */
  const ew_f32x16 power = ew_f32_polynomial(ew_f32_min(ew_f32_dup(4.0f), size), far, 8);
  const ew_f32x16 large = ew_f32_sub(ew_f32_dup(1.0f), ew_f32_exp_negative(ew_f32_neg(power)));
  return ew_f32_select(ew_f32_lt(size, ew_f32_dup(1.0f)), small, ew_f32_with_sign(large, x));
}

/* x (1 + erf(x / sqrt(2))) / 2, within 2e-7 |x|. */
EW_INLINE ew_f32x16 ew_f32_times_normal(ew_f32x16 x) {
  /* erf(x / sqrt(2)) = x top(x x) / bottom(x x) within 1.3e-8, and 1 from 5.4 on. */
  static const float top[] = {0.797884524f,    0.066058889f,    0.00925793871f,
                              0.000321391999f, 1.26475052e-05f, 4.71822368e-08f};
  static const float bottom[] = {1.0f,            0.249458998f,    0.028180141f,
                                 0.00183865987f, 7.11733737e-05f, 1.21982987e-06f};
  const ew_f32x16 half = ew_f32_mul(x, ew_f32_dup(0.5f)), one = ew_f32_dup(1.0f);
  const ew_f32x16 size = ew_f32_abs(x), square = ew_f32_square(x);
  const ew_f32x16 odd = ew_f32_mul(size, ew_f32_polynomial(square, top, 6));
  const ew_f32x16 ratio = ew_f32_div(odd, ew_f32_polynomial(square, bottom, 6));
  const ew_f32x16 erf = ew_f32_select(ew_f32_lt(size, ew_f32_dup(5.4f)), ratio, one);
  return ew_fma(ew_f32_abs(half), erf, half);
}

/* --- through double precision, lane by lane: rare, so short code matters more than speed --------- */

/* The sine (or with shift = 1 the cosine) from k pi/2 + r, |r| <= pi/4. */
EW_INLINE float ew_sine_of(double r, int32_t quadrant) {
  const double s = r * r;
  const double sine =
      r + r * s * (-1.0 / 6 + s * (1.0 / 120 + s * (-1.0 / 5040 + s * (1.0 / 362880 - s / 39916800))));
  const double cosine = 1.0 - s * (0.5 - s * (1.0 / 24 - s * (1.0 / 720 - s * (1.0 / 40320 - s / 3628800))));
  const double y = quadrant & 1 ? cosine : sine;
  return (float)(quadrant & 2 ? -y : y);
}

/* Not inlined: sixteen lanes call it one after the other. */
EW_KERNEL float ew_sine_f32(float x, int32_t shift) {
  if (!(x >= -268435456.0f && x <= 268435456.0f)) return __builtin_nanf("");
  if (x == 0.0f && shift == 0) return x;
  const double turns = (double)x * 0.63661977236758134308;
  const int32_t k = (int32_t)(turns + (turns < 0.0 ? -0.5 : 0.5));
  /* pi/2 in parts of 24 bits, so that k times each of them is exact. */
  const double r = (((double)x - k * 1.570796251296997) - k * 7.54978941586159635e-8) -
                   k * 5.39030252995776477e-15;
  return ew_sine_of(r, k + shift);
}

/* log2 of a positive finite number. */
EW_INLINE double ew_log2_f64(float x) {
  const int tiny = x < 1.17549435e-38f;
  const int32_t bits = ew_bits_of_float(tiny ? x * 8388608.0f : x) - 0x3f3504f3;
  const double m = (double)ew_float_of_bits((bits & 0x007fffff) + 0x3f3504f3);
  const double s = (m - 1.0) / (m + 1.0), t = s * s;
  double tail = 1.0 / 17;
  for (int n = 15; n >= 3; n -= 2) tail = tail * t + 1.0 / n;
  return (bits >> 23) - (tiny ? 23 : 0) + 2.8853900817779268147 * (s + s * t * tail);
}

/* 2^y rounded to float32; y in any range, not NaN. */
EW_INLINE float ew_exp2_f64(double y) {
  if (y > 129.0) return EW_INFINITY;
  if (y < -151.0) return 0.0f;
  const int32_t k = (int32_t)(y + (y < 0.0 ? -0.5 : 0.5));
  const double r = (y - k) * 0.69314718055994530942;
  double sum = 1.0;
  for (int n = 11; n >= 1; --n) sum = 1.0 + sum * r / n;
  /* Half the exponent first: 2^k itself may lie outside float32's range; double's is wide enough. */
  const double a = (double)ew_float_of_bits((k / 2 + 127) << 23);
  const double b = (double)ew_float_of_bits((k - k / 2 + 127) << 23);
  return (float)(sum * a * b);
}

/* 0: y is not whole; 1: odd; 2: even. */
EW_INLINE int ew_parity_f32(float y) {
  const float size = y < 0.0f ? -y : y;
  if (size >= 16777216.0f) return 2;
  const int32_t whole = (int32_t)size;
  if ((float)whole != size) return 0;
  return whole & 1 ? 1 : 2;
}

/* |x|^y for x that is zero, infinite, or y that is infinite. */
EW_INLINE float ew_pow_limit(float size, float y) {
  if (y - y != 0.0f) { /* y is infinite */
    if (size == 1.0f) return 1.0f;
    return (size > 1.0f) == (y > 0.0f) ? EW_INFINITY : 0.0f;
  }
  return (size > 1.0f) == (y > 0.0f) ? EW_INFINITY : 0.0f;
}

EW_KERNEL float ew_pow_f32(float x, float y) {
  if (y == 0.0f || x == 1.0f) return 1.0f;
  if (x != x || y != y) return x + y;
  const float size = x < 0.0f ? -x : x;
  const int parity = ew_parity_f32(y);
  if (x < 0.0f && parity == 0 && x - x == 0.0f && y - y == 0.0f) return __builtin_nanf("");
  const int limit = size == 0.0f || size - size != 0.0f || y - y != 0.0f;
  const float power = limit ? ew_pow_limit(size, y) : ew_exp2_f64((double)y * ew_log2_f64(size));
  const int negative = parity == 1 && (ew_bits_of_float(x) < 0);
  return negative ? -power : power;
}

#define EW_LANES(name, parameters, expression) \
  EW_KERNEL void name parameters { \
    for (int i = 0; i < 16; ++i) y[i] = (expression); \
  }
EW_LANES(ew_lanes_sine, (const float *a, int32_t shift, float *y), ew_sine_f32(a[i], shift))
EW_LANES(ew_lanes_pow, (const float *a, const float *b, float *y), ew_pow_f32(a[i], b[i]))

EW_INLINE ew_f32x16 ew_f32_sine(ew_f32x16 x, int32_t shift) {
  float a[16], y[16];
  ew_f32_store(a, x);
  ew_lanes_sine(a, shift, y);
  return ew_f32_load(y);
}
EW_INLINE ew_f32x16 ew_f32_sin(ew_f32x16 x) { return ew_f32_sine(x, 0); }
EW_INLINE ew_f32x16 ew_f32_cos(ew_f32x16 x) { return ew_f32_sine(x, 1); }
EW_INLINE ew_f32x16 ew_f32_pow(ew_f32x16 x, ew_f32x16 exponent) {
  float a[16], b[16], y[16];
  ew_f32_store(a, x);
  ew_f32_store(b, exponent);
  ew_lanes_pow(a, b, y);
  return ew_f32_load(y);
}

#endif
