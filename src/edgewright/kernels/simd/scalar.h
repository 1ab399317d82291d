/* The SIMD vocabulary without an ISA: sixteen lanes as four of the compiler's 16-byte vectors, which
   it turns into whatever the CPU has, single numbers at the least. This file says what words mean.

   Loads and stores need no alignment. `_n` forms touch only the first n lanes (0 <= n <= 16);
   lanes that are not loaded are 0. Integer sums and products wrap around. */
#ifndef EW_SIMD_SCALAR_H
#define EW_SIMD_SCALAR_H

#define EW_ISA_NAME "scalar"
/* Register tiles: rows x blocks of 16 columns. */
#define EW_F32_ROWS 2
#define EW_F32_BLOCKS 1
#define EW_Q8_ROWS 2
#define EW_Q8_BLOCKS 1
/* Output pixels at a time in a depthwise convolution, and whether there are registers enough to
   keep the input pixels of a 3x3 window that slides. */
#define EW_DEPTHWISE_PIXELS 2
#define EW_DEPTHWISE_SLIDES 0

typedef float ew_f32x4 __attribute__((vector_size(16)));
typedef int32_t ew_i32x4 __attribute__((vector_size(16)));
typedef uint32_t ew_u32x4 __attribute__((vector_size(16)));
typedef struct ew_f32x16 { ew_f32x4 q[4]; } ew_f32x16;
typedef struct ew_i32x16 { ew_i32x4 q[4]; } ew_i32x16;
typedef ew_i32x16 ew_mask16; /* all bits of a lane, or none */

#define EW_QUADS EW_UNROLL for (int i = 0; i < 4; ++i)
#define EW_QUAD_OP1(name, result, type, expression) \
  EW_INLINE result name(type a) { result r; EW_QUADS r.q[i] = (expression); return r; }
#define EW_QUAD_OP2(name, result, type, expression) \
  EW_INLINE result name(type a, type b) { result r; EW_QUADS r.q[i] = (expression); return r; }
#define EW_F32_OP1(name, expression) EW_QUAD_OP1(name, ew_f32x16, ew_f32x16, expression)
#define EW_F32_OP2(name, expression) EW_QUAD_OP2(name, ew_f32x16, ew_f32x16, expression)
#define EW_I32_OP2(name, expression) EW_QUAD_OP2(name, ew_i32x16, ew_i32x16, expression)
#define EW_MASK_OP2(name, type, expression) EW_QUAD_OP2(name, ew_mask16, type, expression)
/* Unsigned views of the operands: signed overflow is undefined. */
#define EW_UA ((ew_u32x4)a.q[i])
#define EW_UB ((ew_u32x4)b.q[i])

EW_INLINE ew_i32x4 ew_pick4(ew_i32x4 m, ew_i32x4 a, ew_i32x4 b) { return (m & a) | (~m & b); }
EW_INLINE ew_f32x4 ew_pick4f(ew_i32x4 m, ew_f32x4 a, ew_f32x4 b) {
  return (ew_f32x4)ew_pick4(m, (ew_i32x4)a, (ew_i32x4)b);
}
EW_INLINE ew_f32x4 ew_dup4f(float s) { return (ew_f32x4){s, s, s, s}; }
EW_INLINE ew_i32x4 ew_dup4(int32_t s) { return (ew_i32x4){s, s, s, s}; }

/* --- float32 ------------------------------------------------------------------------------- */
EW_INLINE ew_f32x16 ew_f32_dup(float s) {
  ew_f32x16 r;
  EW_QUADS r.q[i] = ew_dup4f(s);
  return r;
}
EW_INLINE ew_f32x16 ew_f32_load(const float *p) {
  ew_f32x16 r;
  EW_QUADS __builtin_memcpy(&r.q[i], p + 4 * i, 16);
  return r;
}
EW_INLINE ew_f32x16 ew_f32_load_n(const float *p, int n) {
  float lanes[16] = {0};
  for (int i = 0; i < n; ++i) lanes[i] = p[i];
  return ew_f32_load(lanes);
}
EW_INLINE void ew_f32_store(float *p, ew_f32x16 a) {
  EW_QUADS __builtin_memcpy(p + 4 * i, &a.q[i], 16);
}
EW_INLINE void ew_f32_store_n(float *p, ew_f32x16 a, int n) {
  float lanes[16];
  ew_f32_store(lanes, a);
  for (int i = 0; i < n; ++i) p[i] = lanes[i];
}
EW_F32_OP2(ew_f32_add, a.q[i] + b.q[i])
EW_F32_OP2(ew_f32_sub, a.q[i] - b.q[i])
EW_F32_OP2(ew_f32_mul, a.q[i] * b.q[i])
EW_F32_OP2(ew_f32_div, a.q[i] / b.q[i])
/* The second operand unless the first is greater (less): so the second if either is a NaN. */
EW_F32_OP2(ew_f32_max, ew_pick4f(a.q[i] > b.q[i], a.q[i], b.q[i]))
EW_F32_OP2(ew_f32_min, ew_pick4f(a.q[i] < b.q[i], a.q[i], b.q[i]))
EW_F32_OP1(ew_f32_abs, (ew_f32x4)((ew_i32x4)a.q[i] & ew_dup4(INT32_MAX)))
EW_F32_OP1(ew_f32_neg, -a.q[i])
/* Half to even, as ew_round_f32. */
EW_INLINE ew_f32x4 ew_round4(ew_f32x4 v) {
  const ew_f32x4 big = ew_dup4f(8388608.0f);
  const ew_i32x4 sign = (ew_i32x4)v & ew_dup4(INT32_MIN);
  const ew_f32x4 size = (ew_f32x4)((ew_i32x4)v & ew_dup4(INT32_MAX));
  const ew_f32x4 whole = (size + big) - big;
  return ew_pick4f(size < big, (ew_f32x4)((ew_i32x4)whole | sign), v);
}
EW_INLINE ew_f32x4 ew_floor4(ew_f32x4 v) {
  const ew_f32x4 whole = ew_round4(v);
  return ew_pick4f(whole > v, whole - ew_dup4f(1.0f), whole);
}
/* To a whole number: half to even, down, up. */
EW_F32_OP1(ew_f32_round, ew_round4(a.q[i]))
EW_F32_OP1(ew_f32_floor, ew_floor4(a.q[i]))
EW_F32_OP1(ew_f32_ceil, -ew_floor4(-a.q[i]))
EW_INLINE float ew_sqrt_f32(float v) {
#if defined(__SSE2__) || defined(__aarch64__) || (defined(__ARM_FP) && (__ARM_FP & 4))
  return __builtin_sqrtf(v); /* one instruction with -fno-math-errno */
#else
  /* Newton steps in double, which has bits to spare. */
  if (!(v > 0.0f) || v > 3.402823466e38f) return v < 0.0f ? __builtin_nanf("") : v;
  double x = (double)v, scale = 1.0;
  if (x < 1.0e-30) {
    x *= 18446744073709551616.0;
    scale = 2.3283064365386963e-10;
  }
  double root = (double)ew_float_of_bits((ew_bits_of_float((float)x) >> 1) + 0x1fbd1df5);
  for (int i = 0; i < 5; ++i) root = 0.5 * (root + x / root);
  return (float)(root * scale);
#endif
}
EW_INLINE ew_f32x16 ew_f32_sqrt(ew_f32x16 a) {
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) a.q[i][j] = ew_sqrt_f32(a.q[i][j]);
  return a;
}
/* a * b + c; rounded once where the ISA has a fused instruction. */
EW_INLINE ew_f32x16 ew_fma(ew_f32x16 a, ew_f32x16 b, ew_f32x16 c) {
  EW_QUADS c.q[i] = a.q[i] * b.q[i] + c.q[i];
  return c;
}
EW_INLINE float ew_f32_sum(ew_f32x16 a) {
  const ew_f32x4 s = (a.q[0] + a.q[1]) + (a.q[2] + a.q[3]);
  return (s[0] + s[2]) + (s[1] + s[3]);
}
EW_INLINE float ew_f32_top(ew_f32x16 a) {
  float top = a.q[0][0];
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) top = top > a.q[i][j] ? top : a.q[i][j];
  return top;
}

/* --- int32 --------------------------------------------------------------------------------- */
EW_INLINE ew_i32x16 ew_i32_dup(int32_t s) {
  ew_i32x16 r;
  EW_QUADS r.q[i] = ew_dup4(s);
  return r;
}
EW_INLINE ew_i32x16 ew_i32_load(const int32_t *p) {
  ew_i32x16 r;
  EW_QUADS __builtin_memcpy(&r.q[i], p + 4 * i, 16);
  return r;
}
EW_INLINE ew_i32x16 ew_i32_load_n(const int32_t *p, int n) {
  int32_t lanes[16] = {0};
  for (int i = 0; i < n; ++i) lanes[i] = p[i];
  return ew_i32_load(lanes);
}
EW_INLINE void ew_i32_store(int32_t *p, ew_i32x16 a) {
  EW_QUADS __builtin_memcpy(p + 4 * i, &a.q[i], 16);
}
EW_INLINE void ew_i32_store_n(int32_t *p, ew_i32x16 a, int n) {
  int32_t lanes[16];
  ew_i32_store(lanes, a);
  for (int i = 0; i < n; ++i) p[i] = lanes[i];
}
EW_I32_OP2(ew_i32_add, (ew_i32x4)(EW_UA + EW_UB))
EW_I32_OP2(ew_i32_sub, (ew_i32x4)(EW_UA - EW_UB))
EW_I32_OP2(ew_i32_mul, (ew_i32x4)(EW_UA * EW_UB))
EW_I32_OP2(ew_i32_max, ew_pick4(a.q[i] > b.q[i], a.q[i], b.q[i]))
EW_I32_OP2(ew_i32_min, ew_pick4(a.q[i] < b.q[i], a.q[i], b.q[i]))
EW_I32_OP2(ew_i32_and, a.q[i] & b.q[i])
EW_I32_OP2(ew_i32_or, a.q[i] | b.q[i])
EW_I32_OP2(ew_i32_xor, a.q[i] ^ b.q[i])
/* Shifts by one count for all lanes, or (`v`) by one for each; 0 <= count <= 31. */
EW_I32_OP2(ew_i32_shlv, (ew_i32x4)(EW_UA << EW_UB))
EW_I32_OP2(ew_i32_srav, a.q[i] >> b.q[i])
EW_INLINE ew_i32x16 ew_i32_shl(ew_i32x16 a, int by) {
  EW_QUADS a.q[i] = (ew_i32x4)(EW_UA << by);
  return a;
}
EW_INLINE ew_i32x16 ew_i32_shr(ew_i32x16 a, int by) {
  EW_QUADS a.q[i] = (ew_i32x4)(EW_UA >> by);
  return a;
}
EW_INLINE ew_i32x16 ew_i32_sra(ew_i32x16 a, int by) {
  EW_QUADS a.q[i] = a.q[i] >> by;
  return a;
}
/* round(a * b / 2^31), halves up; b >= 0. */
EW_INLINE ew_i32x16 ew_i32_mul_high(ew_i32x16 a, ew_i32x16 b) {
  EW_QUADS a.q[i] = (ew_i32x4){ew_mul_high_i32(a.q[i][0], b.q[i][0]),
                               ew_mul_high_i32(a.q[i][1], b.q[i][1]),
                               ew_mul_high_i32(a.q[i][2], b.q[i][2]),
                               ew_mul_high_i32(a.q[i][3], b.q[i][3])};
  return a;
}
EW_INLINE int32_t ew_i32_sum(ew_i32x16 a) {
  ew_u32x4 s = (ew_u32x4)a.q[0];
  for (int i = 1; i < 4; ++i) s += EW_UA;
  return (int32_t)(s[0] + s[1] + s[2] + s[3]);
}

/* --- conversions --------------------------------------------------------------------------- */
EW_QUAD_OP1(ew_f32_of_i32, ew_f32x16, ew_i32x16, __builtin_convertvector(a.q[i], ew_f32x4))
EW_QUAD_OP1(ew_f32_of_bits, ew_f32x16, ew_i32x16, (ew_f32x4)a.q[i])
EW_QUAD_OP1(ew_bits_of_f32, ew_i32x16, ew_f32x16, (ew_i32x4)a.q[i])
/* Half to even; any value for lanes outside int32's range (here the nearest). */
EW_INLINE ew_i32x16 ew_i32_of_f32(ew_f32x16 a) {
  ew_i32x16 r;
  a = ew_f32_max(a, ew_f32_dup(-2147483648.0f));
  a = ew_f32_min(a, ew_f32_dup(2147483520.0f)); /* the largest float32 below 2^31 */
  EW_QUADS r.q[i] = __builtin_convertvector(ew_round4(a.q[i]), ew_i32x4);
  return r;
}
/* Widening loads and saturating, narrowing stores. */
#define EW_NARROW(suffix, type, lo, hi) \
  EW_INLINE ew_i32x16 ew_i32_load_##suffix(const type *p) { \
    ew_i32x16 r; \
    EW_QUADS r.q[i] = (ew_i32x4){p[4 * i], p[4 * i + 1], p[4 * i + 2], p[4 * i + 3]}; \
    return r; } \
  EW_INLINE ew_i32x16 ew_i32_load_##suffix##_n(const type *p, int n) { \
    type lanes[16] = {0}; \
    for (int i = 0; i < n; ++i) lanes[i] = p[i]; \
    return ew_i32_load_##suffix(lanes); } \
  EW_INLINE void ew_i32_store_##suffix(type *p, ew_i32x16 a) { \
    a = ew_i32_max(ew_i32_min(a, ew_i32_dup(hi)), ew_i32_dup(lo)); \
    EW_QUADS { \
      const type four[4] = {(type)a.q[i][0], (type)a.q[i][1], (type)a.q[i][2], \
                            (type)a.q[i][3]}; \
      __builtin_memcpy(p + 4 * i, four, sizeof four); } } \
  EW_INLINE void ew_i32_store_##suffix##_n(type *p, ew_i32x16 a, int n) { \
    type lanes[16]; \
    ew_i32_store_##suffix(lanes, a); \
    for (int i = 0; i < n; ++i) p[i] = lanes[i]; }
EW_NARROW(s8, int8_t, -128, 127)
EW_NARROW(u8, uint8_t, 0, 255)
EW_NARROW(s16, int16_t, -32768, 32767)

/* --- masks --------------------------------------------------------------------------------- */
EW_MASK_OP2(ew_f32_lt, ew_f32x16, a.q[i] < b.q[i])
EW_MASK_OP2(ew_f32_le, ew_f32x16, a.q[i] <= b.q[i])
EW_MASK_OP2(ew_f32_eq, ew_f32x16, a.q[i] == b.q[i])
EW_MASK_OP2(ew_i32_gt, ew_i32x16, a.q[i] > b.q[i])
EW_MASK_OP2(ew_i32_eq, ew_i32x16, a.q[i] == b.q[i])
EW_MASK_OP2(ew_mask_and, ew_mask16, a.q[i] & b.q[i])
EW_MASK_OP2(ew_mask_or, ew_mask16, a.q[i] | b.q[i])
EW_QUAD_OP1(ew_mask_not, ew_mask16, ew_mask16, ~a.q[i])
EW_INLINE ew_f32x16 ew_f32_select(ew_mask16 m, ew_f32x16 a, ew_f32x16 b) {
  EW_QUADS a.q[i] = ew_pick4f(m.q[i], a.q[i], b.q[i]);
  return a;
}
EW_INLINE ew_i32x16 ew_i32_select(ew_mask16 m, ew_i32x16 a, ew_i32x16 b) {
  EW_QUADS a.q[i] = ew_pick4(m.q[i], a.q[i], b.q[i]);
  return a;
}

/* --- integer products ---------------------------------------------------------------------- */
/* Sixteen int16 multipliers for ew_i32_mac, in whatever form the ISA likes best. */
EW_INLINE ew_i32x16 ew_i32_load_mac(const int16_t *p) { return ew_i32_load_s16(p); }
/* acc + x * w; both in int16's range, w from ew_i32_load_mac. */
EW_INLINE ew_i32x16 ew_i32_mac(ew_i32x16 acc, ew_i32x16 x, ew_i32x16 w) {
  return ew_i32_add(acc, ew_i32_mul(x, w));
}

/* acc + x * w of both int16 of each lane. */
EW_INLINE ew_i32x16 ew_i32_dot2(ew_i32x16 acc, ew_i32x16 x, ew_i32x16 w) {
  const ew_i32x16 low = ew_i32_mul(ew_i32_sra(ew_i32_shl(x, 16), 16),
                                   ew_i32_sra(ew_i32_shl(w, 16), 16));
  return ew_i32_add(acc, ew_i32_add(low, ew_i32_mul(ew_i32_sra(x, 16), ew_i32_sra(w, 16))));
}

/* --- int16 (only what 8-bit kernels of x86 need; no sum may overflow) ----------------------- */
typedef int16_t ew_i16x8 __attribute__((vector_size(16)));
typedef struct ew_i16x32 { ew_i16x8 q[4]; } ew_i16x32;
/* The first n (16 or 32) bytes; unsigned ones less 128. */
EW_INLINE ew_i16x32 ew_i16_load_8(const uint8_t *p, int n, const int is_signed) {
  ew_i16x32 r = {0};
  for (int i = 0; i < n; ++i)
    r.q[i / 8][i % 8] = (int16_t)(is_signed ? (int8_t)p[i] : p[i] - 128);
  return r;
}
EW_INLINE void ew_i16_store(int16_t *p, ew_i16x32 a) {
  EW_QUADS __builtin_memcpy(p + 8 * i, &a.q[i], 16);
}
EW_INLINE ew_i16x32 ew_i16_add(ew_i16x32 a, ew_i16x32 b) {
  EW_QUADS a.q[i] += b.q[i];
  return a;
}
EW_INLINE ew_i16x32 ew_i16_sub(ew_i16x32 a, ew_i16x32 b) {
  EW_QUADS a.q[i] -= b.q[i];
  return a;
}
EW_INLINE ew_i16x32 ew_i16_shl(ew_i16x32 a, const int by) {
  EW_QUADS a.q[i] *= (int16_t)(1 << by);
  return a;
}

/* Four bytes of one row in the form that EW_DOT_US names. */
typedef struct ew_dot_x { int32_t v[4]; } ew_dot_x;
/* Weights of 16 columns x 4 rows of the product: int8 [16][4]. */
typedef struct ew_dot_w { const int8_t *p; } ew_dot_w;
EW_INLINE ew_dot_x ew_dot_load_x(const uint8_t *p) {
  ew_dot_x r;
  for (int i = 0; i < 4; ++i) r.v[i] = EW_DOT_US ? p[i] : (int8_t)p[i];
  return r;
}
EW_INLINE ew_dot_w ew_dot_load_w(const int8_t *p) {
  return (ew_dot_w){p};
}
/* acc[c] + sum of x[i] * w[c][i] over i < 4, exact and wrapping around in int32. */
#if !defined(EW_SHORT_VECTORS) /* whether the CPU multiplies vectors of int16 */
#if defined(__SSE2__) || defined(__wasm_simd128__)
#define EW_SHORT_VECTORS 1
#else
#define EW_SHORT_VECTORS 0
#endif
#endif
#if EW_SHORT_VECTORS
typedef int16_t ew_s16x8 __attribute__((vector_size(16)));
/* Both halves of each 32-bit lane, added. */
EW_INLINE ew_u32x4 ew_pair_sums(ew_s16x8 p) {
  const ew_i32x4 low = (ew_i32x4)((ew_u32x4)p << 16) >> 16;
  return (ew_u32x4)(low + ((ew_i32x4)p >> 16));
}
/* Products of a byte and an int8 fit int16; even and odd bytes apart, a lane stays one column. */
EW_INLINE ew_i32x16 ew_dot4(ew_i32x16 acc, ew_dot_x x, ew_dot_w w) {
  const ew_s16x8 even = (ew_s16x8)ew_dup4((int32_t)((uint32_t)(x.v[0] & 0xFFFF) |
                                                   (uint32_t)x.v[2] << 16));
  const ew_s16x8 odd = (ew_s16x8)ew_dup4((int32_t)((uint32_t)(x.v[1] & 0xFFFF) |
                                                  (uint32_t)x.v[3] << 16));
  EW_QUADS {
    ew_s16x8 v;
    __builtin_memcpy(&v, w.p + 16 * i, 16);
    const ew_s16x8 low = (ew_s16x8)((ew_u32x4)v << 8 & (ew_u32x4)ew_dup4((int32_t)0xFF00FF00));
    const ew_u32x4 sum = ew_pair_sums((low >> 8) * even) + ew_pair_sums((v >> 8) * odd);
    acc.q[i] = (ew_i32x4)((ew_u32x4)acc.q[i] + sum);
  }
  return acc;
}
#else
EW_INLINE ew_i32x16 ew_dot4(ew_i32x16 acc, ew_dot_x x, ew_dot_w w) {
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j, w.p += 4) {
      const int32_t sum = x.v[0] * w.p[0] + x.v[1] * w.p[1] + x.v[2] * w.p[2] + x.v[3] * w.p[3];
      acc.q[i][j] = ew_add_wrap(acc.q[i][j], sum);
    }
  return acc;
}
#endif

#endif
