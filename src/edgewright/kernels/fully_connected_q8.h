/* 8-bit product of a matrix with packed weights. */
#ifndef EW_FULLY_CONNECTED_Q8_H
#define EW_FULLY_CONNECTED_Q8_H
#include "conv_q8.h"

/* y[rows, columns] = requantize(x[rows, depth] * w); arguments as ew_conv_s8. */
EW_INLINE void ew_fully_connected_s8(int32_t rows, int32_t depth, int32_t columns,
                                     const int32_t mode, const int32_t weight_zero,
                                     const int8_t *x, const int8_t *w, const int32_t *channels,
                                     const int32_t *params, const int8_t *skip, int8_t *y,
                                     void *scratch) {
  ew_conv_s8(ew_matrix_shape(rows, depth, columns), mode, weight_zero, x, w, channels, params,
             skip, y, scratch);
}
EW_INLINE void ew_fully_connected_u8(int32_t rows, int32_t depth, int32_t columns,
                                     const int32_t mode, const int32_t weight_zero,
                                     const uint8_t *x, const int8_t *w, const int32_t *channels,
                                     const int32_t *params, const uint8_t *skip, uint8_t *y,
                                     void *scratch) {
  ew_conv_u8(ew_matrix_shape(rows, depth, columns), mode, weight_zero, x, w, channels, params,
             skip, y, scratch);
}

#endif
