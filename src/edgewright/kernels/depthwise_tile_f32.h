/* float32 depthwise convolution of a 3x3 or 5x5 window in register tiles: several pixels of a line
   of output at once, borders too, so that sums never wait for each other and each pixel of input is
   loaded once for each line of the window. For ISAs with 32 registers of 16 lanes. */
#ifndef EW_DEPTHWISE_TILE_F32_H
#define EW_DEPTHWISE_TILE_F32_H
#include "conv_rows.h"
#include "simd.h"
#if EW_DEPTHWISE_SLIDES

typedef struct ew_depthwise_tile_layer {
  ew_conv_shape s;
  const float *x, *pad; /* a pixel of zeros */
  const float *w, *bias; /* as in depthwise_f32.h */
  float *y;
  float lo, hi;
} ew_depthwise_tile_layer;

#define EW_DEPTHWISE_TILE_MAX (5 * 17) /* input pixels of seven windows of 5x5 that move by two */

/* Points at the input pixels of a tile whose windows begin in column ix. */
EW_INLINE void ew_depthwise_tile_point(const ew_depthwise_tile_layer *t, int32_t line, int32_t ix,
                                       const int size, const int columns, const float **at) {
  const ew_conv_shape *s = &t->s;
  const int32_t image = line / s->out_h;
  const int32_t iy = (line - image * s->out_h) * s->stride_h - s->pad_top;
  const int whole = ix >= 0 && ix + columns <= s->in_w;
  for (int ky = 0; ky < size; ++ky, at += columns) {
    const int32_t y = iy + ky * s->dilation_h;
    const int inside = (uint32_t)y < (uint32_t)s->in_h;
    const ptrdiff_t row = ((ptrdiff_t)image * s->in_h + y) * s->in_w + ix, step = s->in_c;
    if (inside && whole)
      EW_UNROLL for (int j = 0; j < columns; ++j) at[j] = t->x + (row + j) * step;
    else
      EW_UNROLL for (int j = 0; j < columns; ++j)
        at[j] = inside && (uint32_t)(ix + j) < (uint32_t)s->in_w ? t->x + (row + j) * step : t->pad;
  }
}

EW_INLINE ew_f32x16 ew_depthwise_tile_load(const float *x, const int n) {
  return n < 16 ? ew_f32_load_n(x, n) : ew_f32_load(x);
}

/* n channels from c on; the first `count` of the pixels exist. */
EW_INLINE void ew_depthwise_tile_block(const ew_depthwise_tile_layer *t, const float *const *at,
                                       float *y, int32_t c, const int n, int32_t count,
                                       const int size, const int stride, const int pixels) {
  const int columns = (pixels - 1) * stride + size;
  const float *w = t->w + (ptrdiff_t)c * size * size;
  ew_f32x16 acc[7];
  EW_UNROLL for (int i = 0; i < pixels; ++i) acc[i] = ew_f32_load(t->bias + c);
  EW_ROLLED for (int ky = 0; ky < size; ++ky, at += columns, w += 16 * size) {
    ew_f32x16 x[17];
    EW_UNROLL for (int j = 0; j < columns; ++j) x[j] = ew_depthwise_tile_load(at[j] + c, n);
    EW_UNROLL for (int kx = 0; kx < size; ++kx) {
      const ew_f32x16 factor = ew_f32_load(w + 16 * kx);
      EW_UNROLL for (int i = 0; i < pixels; ++i)
        acc[i] = ew_fma(x[i * stride + kx], factor, acc[i]);
    }
  }
  const ew_f32x16 lo = ew_f32_dup(t->lo), hi = ew_f32_dup(t->hi);
  EW_UNROLL for (int i = 0; i < pixels; ++i) {
    const ew_f32x16 v = ew_f32_clamp(acc[i], lo, hi);
    if (i >= count) continue;
    if (n < 16) ew_f32_store_n(y + (ptrdiff_t)i * t->s.out_c + c, v, n);
    else ew_f32_store(y + (ptrdiff_t)i * t->s.out_c + c, v);
  }
}

/* The last tile of a line begins early, so that its pixels exist; some are computed twice. */
EW_INLINE void ew_depthwise_tile_layer_of(const ew_depthwise_tile_layer *layer, const int size,
                                          const int stride, const int pixels) {
  const ew_depthwise_tile_layer copy = *layer, *const t = &copy;
  const float *at[EW_DEPTHWISE_TILE_MAX];
  const int32_t width = t->s.out_w, lines = t->s.batch * t->s.out_h, end = t->s.out_c;
  const int columns = (pixels - 1) * stride + size;
  for (int32_t line = 0; line < lines; ++line)
    for (int32_t tile = 0; tile < width; tile += pixels) {
      const int32_t ox = ew_max_i32(0, ew_min_i32(tile, width - pixels));
      float *const y = t->y + ((ptrdiff_t)line * width + ox) * end;
      const int32_t count = ew_min_i32(pixels, width);
      int32_t c = 0;
      ew_depthwise_tile_point(t, line, ox * stride - t->s.pad_left, size, columns, at);
      for (; c + 16 <= end; c += 16)
        ew_depthwise_tile_block(t, at, y, c, 16, count, size, stride, pixels);
      if (c < end) ew_depthwise_tile_block(t, at, y, c, end - c, count, size, stride, pixels);
    }
}

#define EW_DEPTHWISE_TILE(size, stride, pixels) \
  EW_KERNEL void ew_depthwise_f32_##size##_by_##stride##_##pixels( \
      const ew_depthwise_tile_layer *t) { \
    ew_depthwise_tile_layer_of(t, size, stride, pixels); \
  }
#define EW_DEPTHWISE_TILES(size, stride) \
  EW_DEPTHWISE_TILE(size, stride, 4) \
  EW_DEPTHWISE_TILE(size, stride, 5) \
  EW_DEPTHWISE_TILE(size, stride, 6) \
  EW_DEPTHWISE_TILE(size, stride, 7) \
  EW_INLINE void ew_depthwise_f32_##size##_by_##stride(const ew_depthwise_tile_layer *t, \
                                                       const int pixels) { \
    if (pixels == 4) ew_depthwise_f32_##size##_by_##stride##_4(t); \
    else if (pixels == 5) ew_depthwise_f32_##size##_by_##stride##_5(t); \
    else if (pixels == 6) ew_depthwise_f32_##size##_by_##stride##_6(t); \
    else ew_depthwise_f32_##size##_by_##stride##_7(t); \
  }
EW_DEPTHWISE_TILES(3, 1)
EW_DEPTHWISE_TILES(3, 2)
EW_DEPTHWISE_TILES(5, 1)
EW_DEPTHWISE_TILES(5, 2)

EW_INLINE int ew_depthwise_tile_takes(const ew_conv_shape s) {
  return s.block != 1 && s.kernel_h == s.kernel_w && (s.kernel_h == 3 || s.kernel_h == 5) &&
         s.dilation_w == 1 && s.stride_w <= 2 && s.out_c == s.in_c;
}

/* Pixels of a tile: as many as waste least of a line. Finding their addresses costs about as much as
   one more of them. */
EW_INLINE int ew_depthwise_tile_pixels(int32_t width) {
  int best = 7;
  int32_t least = (width + 6) / 7 * 8;
  for (int pixels = 6; pixels >= 4; --pixels) {
    const int32_t cost = (width + pixels - 1) / pixels * (pixels + 1);
    if (cost < least) {
      least = cost;
      best = pixels;
    }
  }
  return best;
}

EW_INLINE void ew_depthwise_tile(const ew_depthwise_tile_layer *t) {
  const int pixels = t->s.block ? t->s.block : ew_depthwise_tile_pixels(t->s.out_w);
  if (t->s.kernel_h == 3 && t->s.stride_w == 1) ew_depthwise_f32_3_by_1(t, pixels);
  else if (t->s.kernel_h == 3) ew_depthwise_f32_3_by_2(t, pixels);
  else if (t->s.stride_w == 1) ew_depthwise_f32_5_by_1(t, pixels);
  else ew_depthwise_f32_5_by_2(t, pixels);
}

#endif
#endif
