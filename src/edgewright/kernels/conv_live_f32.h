/* float32 convolution that leaves out what only sees padding: with a dilation of 12 on 16x16 pixels
   three quarters of the products are with zeros. */
#ifndef EW_CONV_LIVE_F32_H
#define EW_CONV_LIVE_F32_H
#include "conv_rows.h"
#include "tile_f32.h"

/* Neighbouring output positions along one axis, `first` to `end`, and the taps that lie in the
   image at all of them: `tap` to `tap_end`. */
typedef struct ew_live {
  int32_t first, end, tap, tap_end;
} ew_live;

/* Whether tap k lies in the image at output position `at`. */
EW_INLINE int ew_live_tap(int32_t at, int32_t k, int32_t stride, int32_t pad, int32_t dilation,
                          int32_t size) {
  return (uint32_t)(at * stride - pad + k * dilation) < (uint32_t)size;
}

/* The longest such part from output position `first` on, of `count`. */
EW_INLINE ew_live ew_live_from(int32_t first, int32_t count, int32_t taps, int32_t stride,
                               int32_t pad, int32_t dilation, int32_t size) {
  ew_live part = {first, first, 0, 0};
  while (part.tap < taps && !ew_live_tap(first, part.tap, stride, pad, dilation, size)) ++part.tap;
  part.tap_end = part.tap;
  while (part.tap_end < taps && ew_live_tap(first, part.tap_end, stride, pad, dilation, size))
    ++part.tap_end;
  for (int same = 1; same && part.end < count; part.end += same)
    for (int32_t k = 0; k < taps; ++k)
      same &= ew_live_tap(part.end, k, stride, pad, dilation, size) ==
              (k >= part.tap && k < part.tap_end);
  return part;
}

/* What all tiles of some columns share. */
typedef struct ew_live_job {
  ew_conv_shape s;
  const float *x, *skip;
  float *y;
  const void **rows;
  float *out; /* [EW_F32_ROWS][64]: the results of a tile, whose pixels may lie in several lines */
  ew_tile_f32 tile;
  const float *w;
} ew_live_job;

EW_INLINE ptrdiff_t ew_live_output(const ew_conv_shape *s, int32_t image, ew_live down,
                                   ew_live across, int32_t m) {
  const int32_t width = across.end - across.first, line = m / width;
  const ptrdiff_t row = (ptrdiff_t)image * s->out_h + down.first + line;
  return (row * s->out_w + across.first + m - line * width) * s->out_c;
}

/* Where pixels m … of a part see their taps. */
EW_INLINE void ew_live_rows(const ew_live_job *job, int32_t image, ew_live down, ew_live across,
                            int32_t m, int32_t count) {
  const ew_conv_shape *const s = &job->s;
  const int32_t width = across.end - across.first;
  for (int32_t i = 0; i < EW_F32_ROWS; ++i) {
    const int32_t pixel = m + ew_min_i32(i, count - 1), line = pixel / width;
    const int32_t iy = (down.first + line) * s->stride_h - s->pad_top;
    const int32_t ix = (across.first + pixel - line * width) * s->stride_w - s->pad_left;
    const void **row = job->rows + i;
    for (int32_t ky = down.tap; ky < down.tap_end; ++ky)
      for (int32_t kx = across.tap; kx < across.tap_end; ++kx, row += EW_F32_ROWS) {
        const ptrdiff_t y = (ptrdiff_t)image * s->in_h + iy + ky * s->dilation_h;
        *row = job->x + (y * s->in_w + ix + kx * s->dilation_w) * s->in_c;
      }
  }
}

/* Copies the tile's rows to the output, or those of the residual to the tile. */
EW_INLINE void ew_live_copy(const ew_live_job *job, int32_t image, ew_live down, ew_live across,
                            int32_t m, const float *skip) {
  for (int32_t i = 0; i < job->tile.m; ++i) {
    const ptrdiff_t at = ew_live_output(&job->s, image, down, across, m + i);
    float *const tile = job->out + i * EW_F32_COLUMNS;
    if (skip) __builtin_memcpy(tile, skip + at, (size_t)job->tile.n * 4);
    else __builtin_memcpy(job->y + at, tile, (size_t)job->tile.n * 4);
  }
}

EW_INLINE void ew_live_part(ew_live_job *job, int32_t image, ew_live down, ew_live across) {
  ew_tile_f32 *const t = &job->tile;
  const int32_t pixels = (down.end - down.first) * (across.end - across.first);
  const int32_t tap = down.tap * job->s.kernel_w + across.tap;
  t->across = across.tap_end - across.tap;
  t->taps = (down.tap_end - down.tap) * t->across;
  t->gap = (ptrdiff_t)(job->s.kernel_w - t->across) * t->depth * 16;
  t->w = job->w + (ptrdiff_t)tap * t->depth * 16;
  t->ahead = t->w;
  for (int32_t m = 0; m < pixels; m += EW_F32_ROWS) {
    t->m = ew_min_i32(pixels - m, EW_F32_ROWS);
    ew_live_rows(job, image, down, across, m, t->m);
    if (job->skip) ew_live_copy(job, image, down, across, m, job->skip);
    ew_tile_f32_run(t);
    ew_live_copy(job, image, down, across, m, NULL);
  }
}

EW_INLINE void ew_live_columns(ew_live_job *job) {
  const ew_conv_shape s = job->s;
  for (int32_t image = 0; image < s.batch; ++image)
    for (int32_t oy = 0; oy < s.out_h;) {
      const ew_live down =
          ew_live_from(oy, s.out_h, s.kernel_h, s.stride_h, s.pad_top, s.dilation_h, s.in_h);
      for (int32_t ox = 0; ox < s.out_w;) {
        const ew_live across =
            ew_live_from(ox, s.out_w, s.kernel_w, s.stride_w, s.pad_left, s.dilation_w, s.in_w);
        ew_live_part(job, image, down, across);
        ox = across.end;
      }
      oy = down.end;
    }
}

/* Columns `first` to `end`, of which `first` is a multiple of 16. */
EW_DRIVER void ew_conv_live_f32_part(const ew_conv_shape s, int32_t first, int32_t end,
                                     const float *x, const float *w, const float *bias,
                                     const float *skip, float lo, float hi, float *y,
                                     void *scratch) {
  const ptrdiff_t w_block = (ptrdiff_t)s.kernel_h * s.kernel_w * s.in_c * 16;
  float *const out = scratch;
  for (int32_t n = first; n < end; n += EW_F32_COLUMNS) {
    ew_live_job job = {.s = s, .x = x, .skip = skip ? skip + n : skip, .y = y + n, .out = out,
                       .rows = (const void **)(out + EW_F32_ROWS * EW_F32_COLUMNS),
                       .w = w + n / 16 * w_block};
    job.tile = (ew_tile_f32){.rows = (const void *const *)job.rows, .bias = bias + n,
                             .skip = skip ? out : skip, .y = out, .w_block = w_block,
                             .y_row = EW_F32_COLUMNS, .depth = s.in_c,
                             .n = ew_min_i32(end - n, EW_F32_COLUMNS), .lo = lo, .hi = hi};
    ew_live_columns(&job);
  }
}

/* As ew_conv_f32, for one group. scratch: live_scratch_bytes(…) bytes, aligned to 64. */
EW_INLINE void ew_conv_live_f32(const ew_conv_shape s, const float *x, const float *w,
                                const float *bias, const float *skip, float lo, float hi, float *y,
                                void *scratch) {
  ew_conv_live_f32_part(s, 0, s.out_c, x, w, bias, skip, lo, hi, y, scratch);
}

#endif
