/* float32 product of a matrix with packed weights. */
#ifndef EW_FULLY_CONNECTED_F32_H
#define EW_FULLY_CONNECTED_F32_H
#include "conv_f32.h"

/* y[rows, columns] = clamp(x[rows, depth] * w + bias + skip, lo, hi); arguments as ew_conv_f32. */
EW_INLINE void ew_fully_connected_f32(int32_t rows, int32_t depth, int32_t columns, const float *x,
                                      const float *w, const float *bias, const float *skip,
                                      float lo, float hi, float *y, void *scratch) {
  const ew_conv_shape s = ew_matrix_shape(rows, depth, columns);
  ew_conv_plan p = ew_conv_f32_plan(s);
  p.tile = ew_tile_f32_height(rows);
  p.block = p.block / p.tile * p.tile;
  ew_conv_f32_planned(s, p, x, w, bias, skip, lo, hi, y, scratch);
}

#endif
