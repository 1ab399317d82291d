/* Chunks of an 8-bit convolution in Winograd's form. */
#ifndef EW_CONV_WINOGRAD_Q8_PARALLEL_H
#define EW_CONV_WINOGRAD_Q8_PARALLEL_H
#include "conv_winograd_q8.h"
#include "parallel.h"

/* One chunk of ew_conv_winograd_s8 or _u8; `bias` of the work holds the channels. */
EW_INLINE void ew_conv_winograd_q8_chunk(const ew_conv_shape *shape, const ew_q8_variant v,
                                         const ew_work *work, int32_t chunk) {
  const ew_q8_params *const params = work->params;
  const ew_winograd_q8 g =
      ew_winograd_q8_of(*shape, params->x_zero, ew_work_scratch(work, chunk));
  ew_winograd_q8_part part = {0, g.tiles, 0, shape->out_c};
  /* Chunks that share columns transform all of the image each: a fifth of 35x35x96. Tiles are four
     lines of results. */
  if (ew_chunks_share_columns_of(shape, 4 * g.tiles, shape->out_c)) {
    part.column = ew_chunk_start(shape->out_c, 16, chunk);
    part.columns_end = ew_chunk_start(shape->out_c, 16, chunk + 1);
  } else {
    part.tile = ew_chunk_start(g.tiles, EW_Q8_ROWS / 2, chunk);
    part.tiles_end = ew_chunk_start(g.tiles, EW_Q8_ROWS / 2, chunk + 1);
  }
  if (part.column == part.columns_end) return; /* before any input is transformed */
  ew_winograd_q8_run(g, part, v, work->x, work->w, work->bias, params, work->skip, work->y);
}

#endif
