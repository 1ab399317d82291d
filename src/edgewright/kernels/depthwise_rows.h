/* The walk over the output of a depthwise convolution: shared by all element types.

   Each line of the output falls into spans: the pixels whose window lies within the line together,
   those at the left and right border one by one. For each tap of the window a span has the address
   of its first input pixel and the distance to the next one, which is 0 where the tap reads padding. */
#ifndef EW_DEPTHWISE_ROWS_H
#define EW_DEPTHWISE_ROWS_H
#include "conv_rows.h"

typedef struct ew_depthwise_span {
  const char **at;   /* [taps]; the kernels move them along */
  ptrdiff_t *step;   /* [taps], in bytes */
  int32_t taps;
  int32_t is_sliding; /* a 3x3 window without dilation that moves by one pixel */
} ew_depthwise_span;

/* The parts of the scratch memory: one pixel of padding, then the addresses, then the steps. */
EW_INLINE int32_t ew_depthwise_pad_bytes(const ew_conv_shape s, int32_t element_bytes) {
  return ew_round_up(s.in_c * element_bytes, 64);
}
EW_INLINE ew_depthwise_span ew_depthwise_span_in(const ew_conv_shape s, void *scratch,
                                                 int32_t pad_bytes) {
  const int32_t taps = s.kernel_h * s.kernel_w;
  char *const at = (char *)scratch + pad_bytes;
  char *const step = at + ew_round_up(taps * (int32_t)sizeof(void *), 64);
  const int32_t is_sliding = s.kernel_h == 3 && s.kernel_w == 3 && s.dilation_w == 1 &&
                             s.dilation_h == 1 && s.stride_w == 1;
  return (ew_depthwise_span){(const char **)at, (ptrdiff_t *)step, taps, is_sliding};
}

/* Moves the taps along by some output pixels. */
EW_INLINE void ew_depthwise_advance(const ew_depthwise_span t, const int pixels) {
  EW_SHORT for (int32_t tap = 0; tap < t.taps; ++tap) t.at[tap] += pixels * t.step[tap];
}

/* Points the taps at the window of output pixel (oy, ox). */
EW_INLINE void ew_depthwise_point(const ew_conv_shape s, const ew_depthwise_span t, const char *x,
                                  int32_t pixel_bytes, const void *pad, int32_t oy, int32_t ox) {
  const int32_t iy = oy * s.stride_h - s.pad_top, ix = ox * s.stride_w - s.pad_left;
  int32_t tap = 0;
  for (int32_t ky = 0; ky < s.kernel_h; ++ky)
    for (int32_t kx = 0; kx < s.kernel_w; ++kx, ++tap) {
      const int32_t y = iy + ky * s.dilation_h, at = ix + kx * s.dilation_w;
      const int inside = (uint32_t)y < (uint32_t)s.in_h && (uint32_t)at < (uint32_t)s.in_w;
      const ptrdiff_t offset = ((ptrdiff_t)y * s.in_w + at) * pixel_bytes;
      t.at[tap] = inside ? x + offset : (const char *)pad;
      t.step[tap] = inside ? (ptrdiff_t)s.stride_w * pixel_bytes : 0;
    }
}

/* Calls run(layer, m, count) for each span of `count` output pixels from m on. */
EW_INLINE void ew_depthwise_walk(const ew_conv_shape s, const ew_depthwise_span t, const void *x,
                                 int32_t element_bytes, const void *pad,
                                 void (*run)(void *layer, int32_t m, int32_t count), void *layer) {
  const int32_t pixel_bytes = s.in_c * element_bytes;
  const int32_t reach = (s.kernel_w - 1) * s.dilation_w, room = s.in_w - 1 - reach + s.pad_left;
  const int32_t first = (s.pad_left + s.stride_w - 1) / s.stride_w;
  const int32_t end = room < 0 ? 0 : ew_min_i32(room / s.stride_w + 1, s.out_w);
  for (int32_t line = 0; line < s.batch * s.out_h; ++line) {
    const int32_t image = line / s.out_h, oy = line - image * s.out_h;
    const char *const from = (const char *)x + (ptrdiff_t)image * s.in_h * s.in_w * pixel_bytes;
    for (int32_t ox = 0, count; ox < s.out_w; ox += count) {
      count = ox >= first && ox < end ? end - ox : 1;
      ew_depthwise_point(s, t, from, pixel_bytes, pad, oy, ox);
      run(layer, line * s.out_w + ox, count);
    }
  }
}

#endif
