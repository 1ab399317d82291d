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

/* Where a line of a tile's inputs lies: column j at base + at + j * step. A line outside the image
   is a single pixel of zeros. */
typedef struct ew_depthwise_tile_line {
  const float *base;
  ptrdiff_t at, step;
} ew_depthwise_tile_line;

/* The inputs of a tile. Only the first and the last few columns can lie outside the image: `left`
   and `right` of them do. */
typedef struct ew_depthwise_tile_seen {
  ew_depthwise_tile_line lines[5];
  int32_t left, right;
} ew_depthwise_tile_seen;

EW_INLINE ew_depthwise_tile_seen ew_depthwise_tile_see(const ew_depthwise_tile_layer *t,
                                                       int32_t line, int32_t ix, const int size,
                                                       const int columns) {
  const ew_conv_shape *s = &t->s;
  const int32_t image = line / s->out_h;
  const int32_t iy = (line - image * s->out_h) * s->stride_h - s->pad_top;
  ew_depthwise_tile_seen seen;
  seen.left = ew_max_i32(0, -ix);
  seen.right = ew_max_i32(0, ix + columns - s->in_w);
  EW_UNROLL for (int ky = 0; ky < size; ++ky) {
    const int32_t y = iy + ky * s->dilation_h;
    const int inside = (uint32_t)y < (uint32_t)s->in_h;
    const ptrdiff_t pixel = ((ptrdiff_t)image * s->in_h + y) * s->in_w + ix;
    seen.lines[ky].base = inside ? t->x : t->pad;
    seen.lines[ky].at = inside ? pixel * s->in_c : 0;
    seen.lines[ky].step = inside ? s->in_c : 0;
  }
  return seen;
}

/* Columns at either end that may lie outside the image (see ew_depthwise_tile_takes). */
#define EW_DEPTHWISE_TILE_EDGE(size) ((size) / 2)
#define EW_DEPTHWISE_TILE_END(size) ((size) / 2 + 3)

/* Where channel 0 of column j lies. */
EW_INLINE const float *ew_depthwise_tile_at(const ew_depthwise_tile_seen *seen, int ky, int j,
                                            const float *pad, const int size, const int columns,
                                            const int edges) {
  const ew_depthwise_tile_line *l = &seen->lines[ky];
  const ptrdiff_t at = l->at + j * l->step;
  if (!edges) return l->base + at;
  const int first = j < EW_DEPTHWISE_TILE_EDGE(size) && j < seen->left;
  const int last = j >= columns - EW_DEPTHWISE_TILE_END(size) && j >= columns - seen->right;
  return first || last ? pad : l->base + at;
}

EW_INLINE ew_f32x16 ew_depthwise_tile_load(const float *x, const int n) {
  return n < 16 ? ew_f32_load_n(x, n) : ew_f32_load(x);
}

/* n channels from c on; the first `count` of the pixels exist. */
EW_INLINE void ew_depthwise_tile_block(const ew_depthwise_tile_layer *t,
                                       const ew_depthwise_tile_seen *seen, float *y, int32_t c,
                                       const int n, int32_t count, const int size,
                                       const int stride, const int pixels) {
  const int columns = (pixels - 1) * stride + size;
  const float *w = t->w + (ptrdiff_t)c * size * size, *const pad = t->pad;
  ew_f32x16 acc[7];
  EW_UNROLL for (int i = 0; i < pixels; ++i) acc[i] = ew_f32_load(t->bias + c);
  EW_ROLLED for (int ky = 0; ky < size; ++ky, w += 16 * size) {
    ew_f32x16 x[17];
    EW_UNROLL for (int j = 0; j < columns; ++j) {
      const float *const at = ew_depthwise_tile_at(seen, ky, j, pad, size, columns, 1);
      x[j] = ew_depthwise_tile_load(at + c, n);
    }
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

/* The same for the last eight channels: half a register takes half the time. */
EW_INLINE void ew_depthwise_tile_half(const ew_depthwise_tile_layer *t,
                                      const ew_depthwise_tile_seen *seen, float *y, int32_t c,
                                      int32_t count, const int size, const int stride,
                                      const int pixels, const int edges) {
  const int columns = (pixels - 1) * stride + size;
  const float *w = t->w + (ptrdiff_t)c * size * size, *const pad = t->pad;
  ew_f32x8 acc[7];
  EW_UNROLL for (int i = 0; i < pixels; ++i) acc[i] = ew_f32_half_load(t->bias + c);
  EW_ROLLED for (int ky = 0; ky < size; ++ky, w += 16 * size) {
    ew_f32x8 x[17];
    EW_UNROLL for (int j = 0; j < columns; ++j)
      x[j] = ew_f32_half_load(ew_depthwise_tile_at(seen, ky, j, pad, size, columns, edges) + c);
    EW_UNROLL for (int kx = 0; kx < size; ++kx) {
      const ew_f32x8 factor = ew_f32_half_load(w + 16 * kx);
      EW_UNROLL for (int i = 0; i < pixels; ++i)
        acc[i] = ew_f32_half_fma(x[i * stride + kx], factor, acc[i]);
    }
  }
  const ew_f32x16 lo = ew_f32_dup(t->lo), hi = ew_f32_dup(t->hi);
  EW_UNROLL for (int i = 0; i < pixels; ++i) {
    const ew_f32x8 v = ew_f32_half_of(ew_f32_clamp(ew_f32_whole_of(acc[i]), lo, hi));
    if (i < count) __builtin_memcpy(y + (ptrdiff_t)i * t->s.out_c + c, &v, sizeof v);
  }
}

EW_INLINE void ew_depthwise_tile_run(const ew_depthwise_tile_layer *t,
                                     const ew_depthwise_tile_seen *seen, float *y, int32_t count,
                                     const int size, const int stride, const int pixels) {
  const int32_t end = t->s.out_c;
  int32_t c = 0;
  for (; c + 16 <= end; c += 16)
    ew_depthwise_tile_block(t, seen, y, c, 16, count, size, stride, pixels);
  if (end - c != 8) {
    if (c < end) ew_depthwise_tile_block(t, seen, y, c, end - c, count, size, stride, pixels);
  } else if (seen->left || seen->right) {
    ew_depthwise_tile_half(t, seen, y, c, count, size, stride, pixels, 1);
  } else { /* half the products for as many addresses */
    ew_depthwise_tile_half(t, seen, y, c, count, size, stride, pixels, 0);
  }
}

/* The last tile of a line begins early, so that its pixels exist; some are computed twice. */
EW_INLINE void ew_depthwise_tile_layer_of(const ew_depthwise_tile_layer *layer, const int size,
                                          const int stride, const int pixels) {
  const ew_depthwise_tile_layer copy = *layer, *const t = &copy;
  const int32_t width = t->s.out_w, lines = t->s.batch * t->s.out_h, end = t->s.out_c;
  const int columns = (pixels - 1) * stride + size;
  for (int32_t line = 0; line < lines; ++line)
    for (int32_t tile = 0; tile < width; tile += pixels) {
      const int32_t ox = ew_max_i32(0, ew_min_i32(tile, width - pixels));
      float *const y = t->y + ((ptrdiff_t)line * width + ox) * end;
      const int32_t count = ew_min_i32(pixels, width);
      const ew_depthwise_tile_seen seen =
          ew_depthwise_tile_see(t, line, ox * stride - t->s.pad_left, size, columns);
      ew_depthwise_tile_run(t, &seen, y, count, size, stride, pixels);
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
  const int32_t right = (s.out_w - 1) * s.stride_w - s.pad_left + s.kernel_w - s.in_w;
  return s.block != 1 && s.kernel_h == s.kernel_w && (s.kernel_h == 3 || s.kernel_h == 5) &&
         s.dilation_w == 1 && s.stride_w <= 2 && s.out_c == s.in_c &&
         s.pad_left <= EW_DEPTHWISE_TILE_EDGE(s.kernel_w) &&
         right <= EW_DEPTHWISE_TILE_EDGE(s.kernel_w);
}

/* Pixels of a tile: as many as waste least of a line. Finding their addresses costs about as much
   as one more of them. */
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
