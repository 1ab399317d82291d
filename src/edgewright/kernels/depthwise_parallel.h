/* Chunks of a depthwise convolution: lines of one image, or whole images. */
#ifndef EW_DEPTHWISE_PARALLEL_H
#define EW_DEPTHWISE_PARALLEL_H
#include "parallel.h"

/* A chunk as a convolution of its own, and the elements before its input and output. */
typedef struct ew_depthwise_part {
  ew_conv_shape s;
  ptrdiff_t x, y;
} ew_depthwise_part;

EW_INLINE ew_depthwise_part ew_depthwise_part_of(const ew_conv_shape s, int32_t chunk) {
  ew_depthwise_part part = {.s = s};
  const int32_t count = s.batch > 1 ? s.batch : s.out_h;
  const int32_t first = ew_chunk_start(count, 1, chunk);
  const int32_t length = ew_chunk_start(count, 1, chunk + 1) - first;
  const ptrdiff_t line = (ptrdiff_t)s.out_w * s.out_c;
  if (s.batch > 1) {
    part.s.batch = length;
    part.x = (ptrdiff_t)first * s.in_h * s.in_w * s.in_c;
    part.y = first * s.out_h * line;
  } else { /* of the same image, whose upper border moves away */
    part.s.out_h = length;
    part.s.pad_top = s.pad_top - first * s.stride_h;
    part.y = first * line;
  }
  return part;
}

#endif
