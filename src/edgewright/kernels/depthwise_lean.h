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
  int32_t fill;                  /* what padding reads */
  ew_lean_x *ring;
  ew_lean_layer layer;
  ew_lean_finish *finish;
} ew_lean_ring;

/* Where the ring keeps a line: its channels in blocks, [blocks][columns][EW_LEAN_CHANNELS]. */
EW_INLINE ew_lean_x *ew_lean_line(const ew_lean_ring *r, int32_t line) {
  return r->ring + line % r->lines * r->columns * r->pixel;
}

/* Copies line `y` of an image, or padding where there is none, to `to`. */
EW_KERNEL void ew_depthwise_lean_line(const ew_conv_shape *s, const ew_lean_ring *r,
                                      const uint8_t *image, int32_t y, ew_lean_x *to) {
  const int inside = (uint32_t)y < (uint32_t)s->in_h;
  const uint8_t *const line = image + (ptrdiff_t)y * s->in_w * s->in_c;
  const int32_t block = r->columns * EW_LEAN_CHANNELS;
  for (int32_t i = 0; i < r->columns; ++i, to += EW_LEAN_CHANNELS) {
    const int32_t at = i - s->pad_left;
    if (inside && (uint32_t)at < (uint32_t)s->in_w) {
      const uint8_t *const from = line + (ptrdiff_t)at * s->in_c;
      if (r->repeat == 1 && s->in_c == r->pixel) {
        ew_lean_line_copy(from, s->in_c, r->layer.flip, block, to);
        continue;
      }
      for (int32_t c = 0; c < s->out_c; ++c)
        to[c / EW_LEAN_CHANNELS * block + ew_lean_lane(c % EW_LEAN_CHANNELS)] =
            (int8_t)(from[c / r->repeat] ^ r->layer.flip);
    } else {
      for (int32_t c = 0; c < r->pixel; ++c)
        to[c / EW_LEAN_CHANNELS * block + c % EW_LEAN_CHANNELS] = (ew_lean_x)r->fill;
    }
  }
}

/* All channels of one pixel, whose window begins `at` numbers into each block of a line. */
EW_KERNEL void ew_depthwise_lean_pixel(const ew_conv_shape *s, const ew_lean_ring *r,
                                       const ew_lean_x *const *rows, int32_t at, const int16_t *w,
                                       const int32_t *channels, uint8_t *y) {
  const int32_t step = s->dilation_w * EW_LEAN_CHANNELS, block = r->columns * EW_LEAN_CHANNELS;
  for (int32_t n = 0; n < s->out_c; n += EW_LEAN_CHUNK) {
    /* The sums end where the array does, which is at a multiple of 64 bytes: one loop relies on it. */
    int32_t held[EW_LEAN_CHUNK] __attribute__((aligned(64)));
    const int32_t some = ew_min_i32(s->out_c - n, EW_LEAN_CHUNK);
    const int32_t blocks = (some + EW_LEAN_CHANNELS - 1) / EW_LEAN_CHANNELS;
    int32_t *const sums = held + EW_LEAN_CHUNK - blocks * EW_LEAN_CHANNELS;
#if defined(EW_LEAN_HAS_THREE)
    if (s->kernel_h == 3 && s->kernel_w == 3 && s->dilation_w == 1) {
      w = ew_lean_taps_three(rows, at, block, blocks, w, sums);
    } else
#endif
      for (int32_t b = 0; b < blocks; ++b)
        w = ew_lean_taps(rows, at + b * block, step, s->kernel_h, s->kernel_w, w,
                         sums + b * EW_LEAN_CHANNELS);
    at += blocks * block;
    r->finish(&r->layer, sums, some, channels + 3 * n, (const uint8_t *)0, y + n);
  }
}

/* y = depthwise(x, w), requantised by `finish` (ew_lean_float, …).

   x [batch, in_h, in_w, in_c]; w from pack_depthwise_lean; channels from pack_lean_channels; params
   from pack_q8_params; flip: 0x80 for uint8 tensors; y [batch, out_h, out_w, out_c], out_c a
   multiple of in_c, may be x where both have the same shape. scratch:
   depthwise_lean_scratch_bytes(…) bytes. */
EW_KERNEL void ew_depthwise_lean(const ew_conv_shape *s, ew_lean_finish *finish, int32_t flip,
                                 const void *x, const int16_t *w, const int32_t *channels,
                                 const int32_t *params, void *y, void *scratch) {
  const ew_lean_params *const p = (const ew_lean_params *)params;
  const ew_lean_x **const rows = (const ew_lean_x **)scratch;
  const ew_lean_ring r = {
      .lines = (s->kernel_h - 1) * s->dilation_h + 1,
      .columns = (s->out_w - 1) * s->stride_w + (s->kernel_w - 1) * s->dilation_w + 1,
      .pixel = ew_round_up(s->out_c, EW_LEAN_CHANNELS),
      .repeat = s->out_c / s->in_c,
      .fill = (int8_t)(p->x_zero ^ flip),
      .ring = (ew_lean_x *)(rows + s->kernel_h),
      .layer = {p, flip},
      .finish = finish};
  const uint8_t *image = (const uint8_t *)x;
  uint8_t *to = (uint8_t *)y;
  for (int32_t i = 0; i < s->batch; ++i, image += s->in_h * s->in_w * s->in_c)
    for (int32_t oy = 0, next = 0; oy < s->out_h; ++oy) {
      const int32_t top = oy * s->stride_h; /* counted from the first line of padding */
      for (next = ew_max_i32(next, top); next < top + r.lines; ++next)
        ew_depthwise_lean_line(s, &r, image, next - s->pad_top, ew_lean_line(&r, next));
      for (int32_t ky = 0; ky < s->kernel_h; ++ky)
        rows[ky] = ew_lean_line(&r, top + ky * s->dilation_h);
      for (int32_t ox = 0; ox < s->out_w; ++ox, to += s->out_c)
        ew_depthwise_lean_pixel(s, &r, rows, ox * s->stride_w * EW_LEAN_CHANNELS, w, channels, to);
    }
}

#endif
