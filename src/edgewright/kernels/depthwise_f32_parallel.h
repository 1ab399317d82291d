/* Chunks of a float32 depthwise convolution. */
#ifndef EW_DEPTHWISE_F32_PARALLEL_H
#define EW_DEPTHWISE_F32_PARALLEL_H
#include "depthwise_f32.h"
#include "depthwise_parallel.h"

/* One chunk of ew_depthwise_f32. */
EW_INLINE void ew_depthwise_f32_chunk(const ew_conv_shape *shape, float lo, float hi,
                                      const ew_work *work, int32_t chunk) {
  const ew_depthwise_part part = ew_depthwise_part_of(*shape, chunk);
  ew_depthwise_f32(part.s, (const float *)work->x + part.x, work->w, work->bias, lo, hi,
                   (float *)work->y + part.y, ew_work_scratch(work, chunk));
}

#endif
