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

   Blocks of vectors are transposed in registers: log2(lanes) rounds of interleaving the upper half
   of the rows with the lower half. The last blocks overlap those before them. Blocks run down a
   stretch of the destination first, so that its lines are written whole and in order: where they
   come from memory, that takes half the time. Cores without such registers copy one by one. */
#if defined(__SSE2__) || defined(__ARM_NEON) || defined(__wasm_simd128__)
#define EW_TRANSPOSE_BLOCKS 1
#else
#define EW_TRANSPOSE_BLOCKS 0
#endif
#define EW_TRANSPOSE_STRETCH 256
#define EW_ZIP_16_LANES(v, w, s) __builtin_shufflevector(v, w, s, s + 16, s + 1, s + 17, s + 2,    \
    s + 18, s + 3, s + 19, s + 4, s + 20, s + 5, s + 21, s + 6, s + 22, s + 7, s + 23)
#define EW_ZIP_8_LANES(v, w, s)                                                                    \
  __builtin_shufflevector(v, w, s, s + 8, s + 1, s + 9, s + 2, s + 10, s + 3, s + 11)
#define EW_ZIP_4_LANES(v, w, s) __builtin_shufflevector(v, w, s, s + 4, s + 1, s + 5)
#define EW_ZIP_2_LANES(v, w, s) __builtin_shufflevector(v, w, s, s + 2)

#define EW_TRANSPOSE(name, bits, lanes, rounds)                                                    \
  typedef uint##bits##_t ew_v_##name __attribute__((vector_size(lanes * bits / 8)));               \
  EW_INLINE void ew_transpose_block_##name(uint##bits##_t *restrict to,                            \
                                           const uint##bits##_t *restrict from, ptrdiff_t to_step, \
                                           ptrdiff_t from_step) {                                  \
    ew_v_##name v[lanes], w[lanes];                                                                \
    EW_UNROLL for (int i = 0; i < lanes; ++i)                                                      \
      __builtin_memcpy(&v[i], from + i * from_step, sizeof v[i]);                                  \
    EW_UNROLL for (int round = 0; round < rounds; ++round) {                                       \
      EW_UNROLL for (int i = 0; i < lanes / 2; ++i) {                                              \
        w[2 * i] = EW_ZIP_##lanes##_LANES(v[i], v[i + lanes / 2], 0);                              \
        w[2 * i + 1] = EW_ZIP_##lanes##_LANES(v[i], v[i + lanes / 2], lanes / 2);                  \
      }                                                                                            \
      EW_UNROLL for (int i = 0; i < lanes; ++i) v[i] = w[i];                                       \
    }                                                                                              \
    EW_UNROLL for (int i = 0; i < lanes; ++i)                                                      \
      __builtin_memcpy(to + i * to_step, &v[i], sizeof v[i]);                                      \
  }                                                                                                \
  EW_INLINE void ew_transpose_plain_##name(uint##bits##_t *restrict to,                            \
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
  EW_KERNEL void ew_transpose_blocks_##name(uint##bits##_t *restrict to,                           \
                                            const uint##bits##_t *restrict from, int32_t rows,     \
                                            int32_t columns, ptrdiff_t to_step,                    \
                                            ptrdiff_t from_step) {                                 \
    for (int32_t first = 0; first < rows; first += EW_TRANSPOSE_STRETCH) {                         \
      const int32_t end = ew_min_i32(rows, first + EW_TRANSPOSE_STRETCH);                          \
      for (int32_t column = 0; column < columns; column += lanes)                                  \
        for (int32_t row = first; row < end; row += lanes) {                                       \
          const ptrdiff_t c = ew_min_i32(column, columns - lanes);                                 \
          const ptrdiff_t r = ew_min_i32(row, rows - lanes);                                       \
          ew_transpose_block_##name(to + c * to_step + r, from + r * from_step + c, to_step,       \
                                    from_step);                                                    \
        }                                                                                          \
    }                                                                                              \
  }                                                                                                \
  EW_INLINE void ew_transpose_##name(void *restrict to, const void *restrict from, int32_t rows,   \
                                     int32_t columns, ptrdiff_t to_step, ptrdiff_t from_step) {    \
    if (!EW_TRANSPOSE_BLOCKS || rows < lanes || columns < lanes)                                   \
      ew_transpose_plain_##name((uint##bits##_t *)to, (const uint##bits##_t *)from, rows, columns, \
                                to_step, from_step);                                               \
    else                                                                                           \
      ew_transpose_blocks_##name((uint##bits##_t *)to, (const uint##bits##_t *)from, rows,         \
                                 columns, to_step, from_step);                                     \
  }

EW_TRANSPOSE(8, 8, 16, 4)
EW_TRANSPOSE(16, 16, 8, 3)
EW_TRANSPOSE(narrow_32, 32, 4, 2)
EW_TRANSPOSE(64, 64, 2, 1)
#if defined(__AVX512F__)
#define EW_WIDE_LANES 16
EW_TRANSPOSE(wide_32, 32, 16, 4)
#elif defined(__AVX2__)
#define EW_WIDE_LANES 8
EW_TRANSPOSE(wide_32, 32, 8, 3)
#endif

EW_INLINE void ew_transpose_32(void *restrict to, const void *restrict from, int32_t rows,
                               int32_t columns, ptrdiff_t to_step, ptrdiff_t from_step) {
#ifdef EW_WIDE_LANES
  if (rows >= EW_WIDE_LANES && columns >= EW_WIDE_LANES) {
    ew_transpose_blocks_wide_32((uint32_t *)to, (const uint32_t *)from, rows, columns, to_step,
                                from_step);
    return;
  }
#endif
  ew_transpose_narrow_32(to, from, rows, columns, to_step, from_step);
}

#endif
