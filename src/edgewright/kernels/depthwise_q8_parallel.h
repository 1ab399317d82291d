/* Chunks of an 8-bit depthwise convolution. */
#ifndef EW_DEPTHWISE_Q8_PARALLEL_H
#define EW_DEPTHWISE_Q8_PARALLEL_H
#include "depthwise_parallel.h"
#include "depthwise_q8.h"

/* One chunk of ew_depthwise_s8 or ew_depthwise_u8; `bias` of the work holds the channels. */
EW_INLINE void ew_depthwise_s8_chunk(const ew_conv_shape *shape, const int32_t mode,
                                     const ew_work *work, int32_t chunk) {
  const ew_depthwise_part part = ew_depthwise_part_of(*shape, chunk);
  ew_depthwise_s8(part.s, mode, (const int8_t *)work->x + part.x, work->w, work->bias,
                  work->params, (int8_t *)work->y + part.y, ew_work_scratch(work, chunk));
}
EW_INLINE void ew_depthwise_u8_chunk(const ew_conv_shape *shape, const int32_t mode,
                                     const ew_work *work, int32_t chunk) {
  const ew_depthwise_part part = ew_depthwise_part_of(*shape, chunk);
  ew_depthwise_u8(part.s, mode, (const uint8_t *)work->x + part.x, work->w, work->bias,
                  work->params, (uint8_t *)work->y + part.y, ew_work_scratch(work, chunk));
}

#endif
