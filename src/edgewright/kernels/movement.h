/* Copies of boxes of elements. Sizes are mostly constants where these are called, so that loops of
   one step fold away and a copy of a few bytes becomes a load and a store: by the builtin, since
   under -ffreestanding a plain memcpy is always a call. Steps are in bytes unless said otherwise,
   and may be zero (repeat) or negative (reverse). */
#ifndef EW_MOVEMENT_H
#define EW_MOVEMENT_H
#include "table_avx512.h"

/* n runs of `bytes` bytes. */
EW_INLINE void ew_copy_rows(void *restrict to, const void *restrict from, int32_t bytes, int32_t n,
                            ptrdiff_t to_step, ptrdiff_t from_step) {
  for (int32_t i = 0; i < n; ++i)
    __builtin_memcpy((char *)to + i * to_step, (const char *)from + i * from_step, (size_t)bytes);
}

/* m times n runs of `bytes` bytes. */
EW_INLINE void ew_copy_planes(void *restrict to, const void *restrict from, int32_t bytes,
                              int32_t m, ptrdiff_t to_plane, ptrdiff_t from_plane, int32_t n,
                              ptrdiff_t to_step, ptrdiff_t from_step) {
  for (int32_t i = 0; i < m; ++i)
    ew_copy_rows((char *)to + i * to_plane, (const char *)from + i * from_plane, bytes, n, to_step,
                 from_step);
}

/* One byte each through a table of 256. */
EW_INLINE void ew_look_up_rows(void *restrict to, const void *restrict from,
                               const uint8_t *restrict table, int32_t count, int32_t n,
                               ptrdiff_t to_step, ptrdiff_t from_step) {
#if EW_HAS_TABLE_64
  const ew_table_64 entries = ew_table_64_load(table);
#endif
  for (int32_t i = 0; i < n; ++i) {
    uint8_t *t = (uint8_t *)to + i * to_step;
    const uint8_t *f = (const uint8_t *)from + i * from_step;
#if EW_HAS_TABLE_64
    ew_table_64_map(&entries, f, t, count);
#else
    for (int32_t k = 0; k < count; ++k) t[k] = table[f[k]];
#endif
  }
}

/* Between space [batch, height, width, run] and blocks [tall_block * wide_block * batch, tall,
   wide, run]: pixel (h * tall_block + i - top, w * wide_block + j - left) of image n in space is
   pixel (h, w) of image (i * wide_block + j) * batch + n in blocks; outside of space is zero. */
EW_INLINE void ew_fill(char *to, const void *value, int32_t itemsize, int32_t bytes) {
  for (int32_t i = 0; i < bytes; i += itemsize) __builtin_memcpy(to + i, value, (size_t)itemsize);
}

EW_INLINE void ew_space_to_batch(void *restrict to, const void *restrict from,
                                 const void *restrict zero, int32_t itemsize, int32_t batch,
                                 int32_t height, int32_t width, int32_t tall, int32_t wide,
                                 int32_t tall_block, int32_t wide_block, int32_t top, int32_t left,
                                 int32_t run) {
  char *t = (char *)to;
  for (int32_t block = 0; block < tall_block * wide_block; ++block)
    for (int32_t n = 0; n < batch; ++n)
      for (int32_t h = 0; h < tall; ++h) {
        const int32_t row = h * tall_block + block / wide_block - top;
        for (int32_t w = 0; w < wide; ++w, t += run) {
          const int32_t column = w * wide_block + block % wide_block - left;
          if (row < 0 || row >= height || column < 0 || column >= width)
            ew_fill(t, zero, itemsize, run);
          else
            __builtin_memcpy(
                t, (const char *)from + ((ptrdiff_t)(n * height + row) * width + column) * run,
                (size_t)run);
        }
      }
}

EW_INLINE void ew_batch_to_space(void *restrict to, const void *restrict from, int32_t batch,
                                 int32_t height, int32_t width, int32_t tall, int32_t wide,
                                 int32_t tall_block, int32_t wide_block, int32_t top, int32_t left,
                                 int32_t run) {
  char *t = (char *)to;
  for (int32_t n = 0; n < batch; ++n)
    for (int32_t row = top; row < top + height; ++row)
      for (int32_t column = left; column < left + width; ++column, t += run) {
        const int32_t block = row % tall_block * wide_block + column % wide_block;
        const int32_t image = (block * batch + n) * tall + row / tall_block;
        __builtin_memcpy(
            t, (const char *)from + ((ptrdiff_t)image * wide + column / wide_block) * run,
            (size_t)run);
      }
}

/* --- transposition ------------------------------------------------------------------------- */

/* Every function below does to[c * to_step + r] = from[r * from_step + c]; steps in elements.

   Blocks of 16-byte vectors are transposed in registers: log2(lanes) rounds of interleaving the
   upper half of the rows with the lower half. Blocks run down a cache line of the destination
   first, so that lines are written whole. Cores without such registers copy one by one. */
#if defined(__SSE2__) || defined(__ARM_NEON) || defined(__wasm_simd128__)
#define EW_TRANSPOSE_BLOCKS 1
#else
#define EW_TRANSPOSE_BLOCKS 0
#endif
#define EW_ZIP_8(v, w, s) __builtin_shufflevector(v, w, s, s + 16, s + 1, s + 17, s + 2, s + 18,   \
    s + 3, s + 19, s + 4, s + 20, s + 5, s + 21, s + 6, s + 22, s + 7, s + 23)
#define EW_ZIP_16(v, w, s)                                                                         \
  __builtin_shufflevector(v, w, s, s + 8, s + 1, s + 9, s + 2, s + 10, s + 3, s + 11)
#define EW_ZIP_32(v, w, s) __builtin_shufflevector(v, w, s, s + 4, s + 1, s + 5)
#define EW_ZIP_64(v, w, s) __builtin_shufflevector(v, w, s, s + 2)

#define EW_TRANSPOSE(bits, lanes, rounds)                                                          \
  typedef uint##bits##_t ew_v##bits __attribute__((vector_size(16)));                              \
  EW_INLINE void ew_transpose_block_##bits(uint##bits##_t *restrict to,                            \
                                           const uint##bits##_t *restrict from, ptrdiff_t to_step, \
                                           ptrdiff_t from_step) {                                  \
    ew_v##bits v[lanes], w[lanes];                                                                 \
    EW_UNROLL for (int i = 0; i < lanes; ++i) __builtin_memcpy(&v[i], from + i * from_step, 16);   \
    EW_UNROLL for (int round = 0; round < rounds; ++round) {                                       \
      EW_UNROLL for (int i = 0; i < lanes / 2; ++i) {                                              \
        w[2 * i] = EW_ZIP_##bits(v[i], v[i + lanes / 2], 0);                                       \
        w[2 * i + 1] = EW_ZIP_##bits(v[i], v[i + lanes / 2], lanes / 2);                           \
      }                                                                                            \
      EW_UNROLL for (int i = 0; i < lanes; ++i) v[i] = w[i];                                       \
    }                                                                                              \
    EW_UNROLL for (int i = 0; i < lanes; ++i) __builtin_memcpy(to + i * to_step, &v[i], 16);       \
  }                                                                                                \
  EW_INLINE void ew_transpose_plain_##bits(uint##bits##_t *restrict to,                            \
                                           const uint##bits##_t *restrict from, int32_t rows,      \
                                           int32_t columns, ptrdiff_t to_step,                     \
                                           ptrdiff_t from_step) {                                  \
    if (columns < rows)                                                                            \
      for (int32_t r = 0; r < rows; ++r)                                                           \
        for (int32_t c = 0; c < columns; ++c) to[c * to_step + r] = from[r * from_step + c];       \
    else                                                                                           \
      for (int32_t c = 0; c < columns; ++c)                                                        \
        for (int32_t r = 0; r < rows; ++r) to[c * to_step + r] = from[r * from_step + c];          \
  }                                                                                                \
  EW_KERNEL void ew_transpose_blocks_##bits(uint##bits##_t *restrict to,                           \
                                            const uint##bits##_t *restrict from, int32_t rows,     \
                                            int32_t columns, ptrdiff_t to_step,                    \
                                            ptrdiff_t from_step) {                                 \
    const int32_t whole_rows = rows / lanes * lanes, whole = columns / lanes * lanes;              \
    for (int32_t line = 0; line < whole_rows; line += 4 * lanes) {                                 \
      const int32_t end = ew_min_i32(whole_rows, line + 4 * lanes);                                \
      for (int32_t c = 0; c < whole; c += lanes)                                                   \
        for (int32_t r = line; r < end; r += lanes)                                                \
          ew_transpose_block_##bits(to + c * to_step + r, from + r * from_step + c, to_step,       \
                                    from_step);                                                    \
      /* What is left of these rows while they are in the cache. */                                \
      ew_transpose_plain_##bits(to + whole * to_step + line, from + line * from_step + whole,      \
                                end - line, columns - whole, to_step, from_step);                  \
    }                                                                                              \
    ew_transpose_plain_##bits(to + whole_rows, from + whole_rows * from_step, rows - whole_rows,   \
                              columns, to_step, from_step);                                        \
  }                                                                                                \
  EW_INLINE void ew_transpose_##bits(void *restrict to, const void *restrict from, int32_t rows,   \
                                     int32_t columns, ptrdiff_t to_step, ptrdiff_t from_step) {    \
    if (!EW_TRANSPOSE_BLOCKS || rows < lanes || columns < lanes)                                   \
      ew_transpose_plain_##bits((uint##bits##_t *)to, (const uint##bits##_t *)from, rows, columns, \
                                to_step, from_step);                                               \
    else                                                                                           \
      ew_transpose_blocks_##bits((uint##bits##_t *)to, (const uint##bits##_t *)from, rows,         \
                                 columns, to_step, from_step);                                     \
  }

EW_TRANSPOSE(8, 16, 4)
EW_TRANSPOSE(16, 8, 3)
EW_TRANSPOSE(32, 4, 2)
EW_TRANSPOSE(64, 2, 1)

#endif
