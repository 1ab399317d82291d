/* 8-bit depthwise convolution on microcontrollers: see lean.h.

   The lines of the input that a window sees are copied to a ring, with their padding, and each
   channel as often as it has results. The inner loop knows no border, and y may be x: a line of y is
   written when the ring holds all that it overwrites. */
#ifndef EW_DEPTHWISE_LEAN_H
#define EW_DEPTHWISE_LEAN_H
#include "lean.h"

typedef struct ew_lean_ring {
  int32_t lines, columns, pixel; /* of the ring: lines, pixels of a line, numbers of a pixel */
  int32_t repeat;                /* results of a channel */
  int32_t flip, fill;
  ew_lean_x *ring;
} ew_lean_ring;

/* Copies line `y` of an image, or padding where there is none, to `to`. */
EW_KERNEL void ew_depthwise_lean_line(const ew_conv_shape *s, const ew_lean_ring *r,
                                      const uint8_t *image, int32_t y, ew_lean_x *to) {
  const int inside = (uint32_t)y < (uint32_t)s->in_h;
  const uint8_t *const line = image + (ptrdiff_t)y * s->in_w * s->in_c;
  const int32_t rest = r->pixel - s->out_c;
  for (int32_t i = 0; i < r->columns; ++i) {
    const int32_t at = i - s->pad_left;
    if (inside && (uint32_t)at < (uint32_t)s->in_w) {
      const uint8_t *const from = line + (ptrdiff_t)at * s->in_c;
      for (int32_t c = 0; c < s->in_c; ++c) {
        const ew_lean_x v = (int8_t)(from[c] ^ r->flip);
        for (int32_t j = 0; j < r->repeat; ++j) *to++ = v;
      }
    } else {
      for (int32_t c = 0; c < s->out_c; ++c) *to++ = (ew_lean_x)r->fill;
    }
    for (int32_t c = 0; c < rest; ++c) *to++ = 0;
  }
}

EW_INLINE void ew_depthwise_lean_pixel(const ew_conv_shape *s, const ew_lean_ring *r,
                                       const ew_lean_x *const *rows, int32_t at, const int16_t *w,
                                       const int32_t *channel, const ew_lean_params *p, uint8_t *y,
                                       const int mode) {
  const int32_t step = s->dilation_w * r->pixel;
  for (int32_t c = 0; c < s->out_c; c += EW_LEAN_CHANNELS) {
    int32_t acc[EW_LEAN_CHANNELS] = {0};
    for (int32_t ky = 0; ky < s->kernel_h; ++ky)
      w = ew_lean_taps(rows[ky] + at + c, step, s->kernel_w, w, acc);
    const int32_t n = ew_min_i32(s->out_c - c, EW_LEAN_CHANNELS);
    EW_ROLLED for (int32_t i = 0; i < n; ++i, channel += 3)
      ew_lean_finish(acc[i], channel, p, 0, (const uint8_t *)0, y++, mode);
  }
}

EW_INLINE void ew_depthwise_lean_body(const ew_conv_shape *s, const ew_lean_ring *r,
                                      const ew_lean_x **rows, const uint8_t *x, const int16_t *w,
                                      const int32_t *channels, const ew_lean_params *p, uint8_t *y,
                                      const int mode) {
  const int32_t line = r->columns * r->pixel;
  for (int32_t image = 0; image < s->batch; ++image, x += s->in_h * s->in_w * s->in_c)
    for (int32_t oy = 0, next = 0; oy < s->out_h; ++oy) {
      const int32_t top = oy * s->stride_h; /* counted from the first line of padding */
      if (next < top) next = top;
      for (; next < top + r->lines; ++next)
        ew_depthwise_lean_line(s, r, x, next - s->pad_top, r->ring + next % r->lines * line);
      for (int32_t ky = 0; ky < s->kernel_h; ++ky)
        rows[ky] = r->ring + (top + ky * s->dilation_h) % r->lines * line;
      for (int32_t ox = 0; ox < s->out_w; ++ox, y += s->out_c)
        ew_depthwise_lean_pixel(s, r, rows, ox * s->stride_w * r->pixel, w, channels, p, y, mode);
    }
}

typedef void ew_depthwise_lean_run(const ew_conv_shape *s, const ew_lean_ring *r,
                                   const ew_lean_x **rows, const uint8_t *x, const int16_t *w,
                                   const int32_t *channels, const ew_lean_params *p, uint8_t *y);
#define EW_DEPTHWISE_LEAN(name, mode) \
  EW_KERNEL void name(const ew_conv_shape *s, const ew_lean_ring *r, const ew_lean_x **rows, \
                      const uint8_t *x, const int16_t *w, const int32_t *channels, \
                      const ew_lean_params *p, uint8_t *y) { \
    ew_depthwise_lean_body(s, r, rows, x, w, channels, p, y, mode); \
  }
EW_DEPTHWISE_LEAN(ew_depthwise_lean_float, EW_LEAN_FLOAT)
EW_DEPTHWISE_LEAN(ew_depthwise_lean_fixed, EW_LEAN_FIXED)

/* y = depthwise(x, w), requantised by `run` (ew_depthwise_lean_…).

   x [batch, in_h, in_w, in_c]; w from pack_depthwise_lean; channels from pack_lean_channels; params
   from pack_q8_params; flip: 0x80 for uint8 tensors; y [batch, out_h, out_w, out_c], out_c a
   multiple of in_c, may be x where both have the same shape. scratch:
   depthwise_lean_scratch_bytes(…) bytes. */
EW_KERNEL void ew_depthwise_lean(const ew_conv_shape *s, ew_depthwise_lean_run *run, int32_t flip,
                                 const void *x, const int16_t *w, const int32_t *channels,
                                 const int32_t *params, void *y, void *scratch) {
  const ew_lean_params *const p = (const ew_lean_params *)params;
  const ew_lean_x **const rows = (const ew_lean_x **)scratch;
  const ew_lean_ring r = {
      .lines = (s->kernel_h - 1) * s->dilation_h + 1,
      .columns = (s->out_w - 1) * s->stride_w + (s->kernel_w - 1) * s->dilation_w + 1,
      .pixel = ew_round_up(s->out_c, EW_LEAN_CHANNELS),
      .repeat = s->out_c / s->in_c,
      .flip = flip,
      .fill = (int8_t)(p->x_zero ^ flip),
      .ring = (ew_lean_x *)(rows + s->kernel_h)};
  run(s, &r, rows, (const uint8_t *)x, w, channels, p, (uint8_t *)y);
}

#endif
