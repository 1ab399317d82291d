/* Resizing of images, channels last: x [batch, in_h, in_w, channels], y [batch, out_h, out_w, channels]. */
#ifndef EW_RESIZE_H
#define EW_RESIZE_H
#include "simd.h"

enum { EW_HALF_PIXEL = 0, EW_ASYMMETRIC = 1, EW_ALIGN_CORNERS = 2 };
enum { EW_FLOOR = 0, EW_CEIL = 1, EW_ROUND_HALF_UP = 2, EW_ROUND_HALF_DOWN = 3 };

/* Where point i of `count` lies on an axis of `size`. */
EW_INLINE float ew_resize_place(int32_t i, int32_t count, int32_t size, const int coordinate) {
  if (coordinate == EW_ALIGN_CORNERS)
    return count > 1 ? (float)i * ((float)(size - 1) / (float)(count - 1)) : 0.0f;
  const float scale = (float)size / (float)count;
  if (coordinate == EW_ASYMMETRIC) return (float)i * scale;
  return ((float)i + 0.5f) * scale - 0.5f;
}

/* --- nearest ------------------------------------------------------------------------------- */
EW_INLINE float ew_floor_float(float v) {
  const float whole = ew_round_f32(v);
  return whole > v ? whole - 1.0f : whole;
}
EW_INLINE int32_t ew_resize_nearest_index(int32_t i, int32_t count, int32_t size,
                                          const int coordinate, const int rounding) {
  const float place = ew_resize_place(i, count, size, coordinate);
  float whole;
  if (rounding == EW_FLOOR) whole = ew_floor_float(place);
  else if (rounding == EW_CEIL) whole = -ew_floor_float(-place);
  else if (rounding == EW_ROUND_HALF_UP) whole = ew_floor_float(place + 0.5f);
  else whole = -ew_floor_float(-(place - 0.5f));
  return ew_clamp_i32((int32_t)whole, 0, size - 1);
}

/* Elements of `bytes` bytes. */
EW_INLINE void ew_resize_nearest(const void *x, void *y, int32_t batch, int32_t in_h, int32_t in_w,
                                 int32_t channels, int32_t out_h, int32_t out_w, int32_t bytes,
                                 const int coordinate, const int rounding) {
  const char *from = (const char *)x;
  char *to = (char *)y;
  const ptrdiff_t pixel = (ptrdiff_t)channels * bytes, image = pixel * in_h * in_w;
  for (int32_t b = 0; b < batch; ++b, from += image)
    for (int32_t oy = 0; oy < out_h; ++oy) {
      const int32_t iy = ew_resize_nearest_index(oy, out_h, in_h, coordinate, rounding);
      for (int32_t ox = 0; ox < out_w; ++ox, to += pixel) {
        const int32_t ix = ew_resize_nearest_index(ox, out_w, in_w, coordinate, rounding);
        __builtin_memcpy(to, from + ((ptrdiff_t)iy * in_w + ix) * pixel, (size_t)pixel);
      }
    }
}

/* --- bilinear ------------------------------------------------------------------------------ */
/* The two positions beside a point and the weight of the second: as a fraction (float32 images),
   in 1/2048 (mode float) or 1/1024 (mode fixed). */
typedef struct ew_resize_axis { int32_t first, second, weight; float fraction; } ew_resize_axis;

EW_INLINE ew_resize_axis ew_resize_axis_f32(int32_t i, int32_t count, int32_t size,
                                            const int coordinate) {
  const float place = ew_resize_place(i, count, size, coordinate), end = (float)(size - 1);
  const float inside = place < 0.0f ? 0.0f : place > end ? end : place;
  const int32_t first = (int32_t)inside;
  return (ew_resize_axis){first, ew_min_i32(first + 1, size - 1), 0, inside - (float)first};
}

EW_INLINE ew_resize_axis ew_resize_axis_2048(int32_t i, int32_t count, int32_t size,
                                             const int coordinate) {
  const int32_t less = coordinate == EW_ALIGN_CORNERS && count > 1;
  const float step = (float)(size - less) / (float)(count - less), end = (float)(size - 1);
  float place = (float)i * step;
  if (coordinate == EW_HALF_PIXEL) place = place + (0.5f * step - 0.5f);
  place = place < 0.0f ? 0.0f : place > end ? end : place;
  const int32_t first = (int32_t)place;
  const int32_t weight = (int32_t)ew_round_f32((place - (float)first) * 2048.0f);
  return (ew_resize_axis){first, ew_min_i32(first + 1, size - 1), weight, 0.0f};
}

EW_INLINE ew_resize_axis ew_resize_axis_1024(int32_t i, int32_t count, int32_t size,
                                             const int coordinate) {
  int32_t step = (1024 * size + count / 2) / count;
  if (coordinate == EW_ALIGN_CORNERS && count > 1)
    step = (1024 * (size - 1) + (count - 1) / 2) / (count - 1);
  const int32_t place = i * step + (coordinate == EW_HALF_PIXEL ? step / 2 - 512 : 0);
  const int32_t first = ew_max_i32(place, 0) / 1024;
  const int32_t second = ew_max_i32(place + 1023, 0) / 1024;
  return (ew_resize_axis){ew_min_i32(first, size - 1), ew_min_i32(second, size - 1),
                          place - 1024 * first, 0.0f};
}

/* The loops over pixels; the last argument, a block, sees the four corners p00, p01 (beside it), p10 (below), p11, and
   down, across. */
#define EW_RESIZE_PIXELS(type, axis, ...) \
  for (int32_t b = 0; b < batch; ++b, x += (ptrdiff_t)in_h * in_w * channels) \
    for (int32_t oy = 0; oy < out_h; ++oy) { \
      const ew_resize_axis down = axis(oy, out_h, in_h, coordinate); \
      const type *above = x + (ptrdiff_t)down.first * in_w * channels; \
      const type *below = x + (ptrdiff_t)down.second * in_w * channels; \
      for (int32_t ox = 0; ox < out_w; ++ox, y += channels) { \
        const ew_resize_axis across = axis(ox, out_w, in_w, coordinate); \
        const ptrdiff_t left = (ptrdiff_t)across.first * channels; \
        const ptrdiff_t right = (ptrdiff_t)across.second * channels; \
        const type *p00 = above + left, *p01 = above + right; \
        const type *p10 = below + left, *p11 = below + right; \
        for (int32_t c = 0; c < channels; c += 16) { \
          const int n = ew_min_i32(channels - c, 16); \
          __VA_ARGS__ \
        } \
      } \
    }

EW_INLINE ew_f32x16 ew_resize_mix(ew_f32x16 a, ew_f32x16 b, float weight) {
  return ew_fma(ew_f32_sub(b, a), ew_f32_dup(weight), a);
}
EW_INLINE ew_f32x16 ew_resize_load_f32(const float *p, int n) {
  return n < 16 ? ew_f32_load_n(p, n) : ew_f32_load(p);
}

EW_KERNEL void ew_resize_bilinear_f32(const float *x, float *y, int32_t batch, int32_t in_h,
                                      int32_t in_w, int32_t channels, int32_t out_h,
                                      int32_t out_w, int coordinate) {
  EW_RESIZE_PIXELS(float, ew_resize_axis_f32, {
    const ew_f32x16 left = ew_resize_mix(ew_resize_load_f32(p00 + c, n),
                                         ew_resize_load_f32(p10 + c, n), down.fraction);
    const ew_f32x16 right = ew_resize_mix(ew_resize_load_f32(p01 + c, n),
                                          ew_resize_load_f32(p11 + c, n), down.fraction);
    ew_f32_store_n(y + c, ew_resize_mix(left, right, across.fraction), n);
  })
}

/* Images of one channel, enlarged: sixteen neighbours of a row lie between at most sixteen pixels.

   places: for each sixteen points of a row, padded to that, the first pixel they need, then of each
   point the pixel on its left and the one on its right, counted from that; fractions: how far each
   point lies towards the right. The same sums as of many channels. */
#define EW_RESIZE_ROW 384 /* pixels of a row, and a vector behind them, take less than 2 KB */

EW_INLINE ew_f32x16 ew_resize_across(const float *row, const int32_t *place, float const *fraction) {
#ifdef EW_SIMD_AVX512_H
  const ew_f32x16 from = ew_f32_load(row + place[0]);
  const ew_f32x16 left = _mm512_permutexvar_ps(_mm512_loadu_si512(place + 1), from);
  const ew_f32x16 right = _mm512_permutexvar_ps(_mm512_loadu_si512(place + 17), from);
#else
  float a[16], b[16];
  for (int i = 0; i < 16; ++i) {
    a[i] = row[place[0] + place[1 + i]];
    b[i] = row[place[0] + place[17 + i]];
  }
  const ew_f32x16 left = ew_f32_load(a), right = ew_f32_load(b);
#endif
  return ew_fma(ew_f32_sub(right, left), ew_f32_load(fraction), left);
}

EW_KERNEL void ew_resize_planes_f32(const float *x, float *y, const int32_t *places,
                                    const float *fractions, int32_t planes, int32_t in_h,
                                    int32_t in_w, int32_t out_h, int32_t out_w, int coordinate) {
  float row[EW_RESIZE_ROW + 16];
  for (int i = 0; i < 16; ++i) row[ew_min_i32(in_w, EW_RESIZE_ROW) + i] = 0.0f;
  for (int32_t p = 0; p < planes; ++p, x += (ptrdiff_t)in_h * in_w)
    for (int32_t oy = 0; oy < out_h; ++oy, y += out_w) {
      const ew_resize_axis down = ew_resize_axis_f32(oy, out_h, in_h, coordinate);
      const float *above = x + (ptrdiff_t)down.first * in_w, *below = x + (ptrdiff_t)down.second * in_w;
      for (int32_t i = 0; i < in_w; i += 16) {
        const int n = ew_min_i32(in_w - i, 16);
        const ew_f32x16 upper = ew_resize_load_f32(above + i, n);
        ew_f32_store(row + i, ew_resize_mix(upper, ew_resize_load_f32(below + i, n), down.fraction));
      }
      for (int32_t ox = 0; ox < out_w; ox += 16) {
        const ew_f32x16 v = ew_resize_across(row, places + ox / 16 * 33, fractions + ox);
        if (out_w - ox < 16) ew_f32_store_n(y + ox, v, out_w - ox);
        else ew_f32_store(y + ox, v);
      }
    }
}

/* a * 2^11 + (b - a) * weight. */
EW_INLINE ew_i32x16 ew_resize_mix_2048(ew_i32x16 a, ew_i32x16 b, int32_t weight) {
  return ew_i32_add(ew_i32_shl(a, 11), ew_i32_mul(ew_i32_sub(b, a), ew_i32_dup(weight)));
}
/* v / 2^20, halves away from zero. */
EW_INLINE ew_i32x16 ew_resize_round_20(ew_i32x16 v) {
  const ew_i32x16 zero = ew_i32_dup(0), minus = ew_i32_sub(zero, v);
  const ew_i32x16 size = ew_i32_add(ew_i32_max(v, minus), ew_i32_dup(1 << 19));
  const ew_i32x16 whole = ew_i32_sra(size, 20);
  return ew_i32_select(ew_i32_gt(v, zero), whole, ew_i32_sub(zero, whole));
}

#define EW_RESIZE_Q(suffix, type) \
  EW_KERNEL void ew_resize_bilinear_float_##suffix( \
      const type *x, type *y, int32_t batch, int32_t in_h, int32_t in_w, int32_t channels, \
      int32_t out_h, int32_t out_w, int coordinate) { \
    EW_RESIZE_PIXELS(type, ew_resize_axis_2048, { \
      const ew_i32x16 upper = \
          ew_resize_mix_2048(ew_i32_load_##suffix##_n(p00 + c, n), \
                             ew_i32_load_##suffix##_n(p01 + c, n), across.weight); \
      const ew_i32x16 lower = \
          ew_resize_mix_2048(ew_i32_load_##suffix##_n(p10 + c, n), \
                             ew_i32_load_##suffix##_n(p11 + c, n), across.weight); \
      const ew_i32x16 mixed = ew_resize_mix_2048(upper, lower, down.weight); \
      const ew_i32x16 rounded = ew_i32_sra(ew_i32_add(mixed, ew_i32_dup(1 << 21)), 22); \
      ew_i32_store_##suffix##_n(y + c, rounded, n); \
    }) \
  } \
  EW_KERNEL void ew_resize_bilinear_fixed_##suffix( \
      const type *x, type *y, int32_t batch, int32_t in_h, int32_t in_w, int32_t channels, \
      int32_t out_h, int32_t out_w, int coordinate) { \
    EW_RESIZE_PIXELS(type, ew_resize_axis_1024, { \
      const int32_t top = 1024 - down.weight, near = 1024 - across.weight; \
      ew_i32x16 sum = \
          ew_i32_mul(ew_i32_load_##suffix##_n(p00 + c, n), ew_i32_dup(top * near)); \
      sum = ew_i32_add(sum, ew_i32_mul(ew_i32_load_##suffix##_n(p01 + c, n), \
                                       ew_i32_dup(top * across.weight))); \
      sum = ew_i32_add(sum, ew_i32_mul(ew_i32_load_##suffix##_n(p10 + c, n), \
                                       ew_i32_dup(down.weight * near))); \
      sum = ew_i32_add(sum, ew_i32_mul(ew_i32_load_##suffix##_n(p11 + c, n), \
                                       ew_i32_dup(down.weight * across.weight))); \
      ew_i32_store_##suffix##_n(y + c, ew_resize_round_20(sum), n); \
    }) \
  }
EW_RESIZE_Q(s8, int8_t)
EW_RESIZE_Q(u8, uint8_t)

#endif
