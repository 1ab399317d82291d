/* Rows between the members of a block (ops/block.py): a buffer holds those that windows still see. */
#ifndef EW_BLOCK_H
#define EW_BLOCK_H
#include "ew.h"

/* Moves the last `kept` bytes of a buffer to its start; what they leave is `step` bytes long. */
EW_KERNEL void ew_block_shift(char *buffer, int32_t step, int32_t kept) {
  for (int32_t at = 0; at < kept; at += step) {
    const int32_t bytes = kept - at < step ? kept - at : step; /* source and target lie apart */
    __builtin_memcpy(buffer + at, buffer + at + step, (size_t)bytes);
  }
}

/* Where the rows of an image are in a buffer, and what windows see around it. */
typedef struct ew_block_rows {
  int32_t first, held;         /* the row that the buffer begins with, and how many it holds */
  int32_t height;              /* of the image */
  int32_t above, below;        /* rows of padding */
  int32_t row_bytes;
} ew_block_rows;

/* Fills the padding that lies in a buffer. */
EW_KERNEL void ew_block_pad(const ew_block_rows r, char *buffer, int fill) {
  const int32_t top = ew_max_i32(0, -r.above - r.first), image = ew_min_i32(r.held, -r.first);
  const int32_t end = ew_max_i32(0, r.height - r.first);
  const int32_t last = ew_min_i32(r.held, r.height + r.below - r.first);
  if (top < image)
    __builtin_memset(buffer + (ptrdiff_t)top * r.row_bytes, fill,
                     (size_t)((image - top) * r.row_bytes));
  if (end < last)
    __builtin_memset(buffer + (ptrdiff_t)end * r.row_bytes, fill,
                     (size_t)((last - end) * r.row_bytes));
}

#endif
