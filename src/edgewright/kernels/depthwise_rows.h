/* What depthwise convolutions of all element types share. */
#ifndef EW_DEPTHWISE_ROWS_H
#define EW_DEPTHWISE_ROWS_H
#include "conv_rows.h"

/* The scratch memory begins with one pixel of padding; the row pointers of a tile follow. */
EW_INLINE int32_t ew_depthwise_pad_bytes(const ew_conv_shape s, int32_t element_bytes) {
  return ew_round_up(s.in_c * element_bytes, 64);
}

#endif
