/* Batch normalisation of rows of channels with stored statistics; y may be x. */
#ifndef EW_BATCH_NORM_H
#define EW_BATCH_NORM_H
#include "math.h"

EW_KERNEL void ew_batch_norm_f32(const float *x, float *y, int32_t rows, int32_t channels,
                                 const float *scale, const float *offset, const float *mean,
                                 const float *variance, float epsilon) {
  for (int32_t c = 0; c < channels; c += 16) {
    const int n = ew_min_i32(channels - c, 16);
    const ew_f32x16 spread = ew_f32_add(ew_f32_load_n(variance + c, n), ew_f32_dup(epsilon));
    const ew_f32x16 factor = ew_f32_div(ew_f32_load_n(scale + c, n), ew_f32_sqrt(spread));
    const ew_f32x16 centre = ew_f32_load_n(mean + c, n), shift = ew_f32_load_n(offset + c, n);
    for (int32_t r = 0; r < rows; ++r) {
      const ptrdiff_t at = (ptrdiff_t)r * channels + c;
      const ew_f32x16 centred = ew_f32_sub(ew_f32_load_n(x + at, n), centre);
      ew_f32_store_n(y + at, ew_fma(centred, factor, shift), n);
    }
  }
}

#endif
