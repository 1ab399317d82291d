/* The inner loops of the register tiles on 64-bit Arm: multiplies take one factor from a lane, so that
   sixteen bytes of a row are one load instead of four that also fill all lanes. */
#ifndef EW_TILE_NEON_H
#define EW_TILE_NEON_H
#include "simd.h"
#if defined(__aarch64__) && defined(__ARM_NEON) && !defined(EW_SIMD_SCALAR)
#define EW_NEON_TILES 1

/* Step k of four: the lane is an immediate, so this is no loop. */
#define EW_NEON_F32_STEP(k) \
  EW_UNROLL for (int j = 0; j < blocks; ++j) \
    EW_QUADS { \
      const float32x4_t columns = vld1q_f32(w + j * w_block + 16 * (k) + 4 * i); \
      EW_UNROLL for (int r = 0; r < rows; ++r) \
        acc[r][j].q[i] = vfmaq_laneq_f32(acc[r][j].q[i], columns, four[r], k); \
    }

/* acc[r][j] += sum over k < depth of x[r][k] * w[j][k][0..15]; w_block as in ew_tile_f32. */
EW_INLINE void ew_neon_f32_sum(const float *const *x, const float *w, ptrdiff_t w_block,
                               ptrdiff_t depth, const int rows, const int blocks,
                               ew_f32x16 acc[EW_F32_ROWS][4]) {
  ptrdiff_t k = 0;
  for (; k + 4 <= depth; k += 4, w += 64) {
    float32x4_t four[EW_F32_ROWS];
    EW_UNROLL for (int r = 0; r < rows; ++r) four[r] = vld1q_f32(x[r] + k);
    EW_NEON_F32_STEP(0)
    EW_NEON_F32_STEP(1)
    EW_NEON_F32_STEP(2)
    EW_NEON_F32_STEP(3)
  }
  EW_ROLLED for (; k < depth; ++k, w += 16) {
    float32x4_t four[EW_F32_ROWS];
    EW_UNROLL for (int r = 0; r < rows; ++r) four[r] = vld1q_dup_f32(x[r] + k);
    EW_NEON_F32_STEP(0)
  }
}

#if defined(__ARM_FEATURE_DOTPROD)
#define EW_NEON_DOT_STEP(k) \
  EW_UNROLL for (int j = 0; j < blocks; ++j) \
    EW_QUADS { \
      const int8x16_t columns = vld1q_s8(w + j * w_block + 64 * (k) + 16 * i); \
      EW_UNROLL for (int r = 0; r < rows; ++r) \
        acc[r][j].q[i] = vdotq_laneq_s32(acc[r][j].q[i], columns, four[r], k); \
    }

/* The same for bytes; depth is a multiple of 4. */
EW_INLINE void ew_neon_q8_sum(const uint8_t *const *x, const int8_t *w, ptrdiff_t w_block,
                              ptrdiff_t depth, const int rows, const int blocks,
                              ew_i32x16 acc[EW_Q8_ROWS][4]) {
  ptrdiff_t k = 0;
  for (; k + 16 <= depth; k += 16, w += 256) {
    int8x16_t four[EW_Q8_ROWS];
    EW_UNROLL for (int r = 0; r < rows; ++r) four[r] = vreinterpretq_s8_u8(vld1q_u8(x[r] + k));
    EW_NEON_DOT_STEP(0)
    EW_NEON_DOT_STEP(1)
    EW_NEON_DOT_STEP(2)
    EW_NEON_DOT_STEP(3)
  }
  EW_ROLLED for (; k < depth; k += 4, w += 64) {
    int8x16_t four[EW_Q8_ROWS];
    EW_UNROLL for (int r = 0; r < rows; ++r) four[r] = ew_dot_load_x(x[r] + k);
    EW_NEON_DOT_STEP(0)
  }
}
#endif

#if defined(__ARM_FEATURE_MATMUL_INT8)
/* Two rows of quads, a0-3 and b0-3, to the 2x2 blocks of the matrix instruction, a0 a1 b0 b1 and
   a2 a3 b2 b3, and back: it is its own inverse. */
EW_INLINE void ew_neon_swap_blocks(ew_i32x16 *a, ew_i32x16 *b) {
  EW_QUADS {
    const int64x2_t p = vreinterpretq_s64_s32(a->q[i]), q = vreinterpretq_s64_s32(b->q[i]);
    a->q[i] = vreinterpretq_s32_s64(vzip1q_s64(p, q));
    b->q[i] = vreinterpretq_s32_s64(vzip2q_s64(p, q));
  }
}

/* The same for an even number of rows of one block, with matrix instructions: 2 x 8 by 8 x 2. The
   weights stay packed for dot products; two zips make four columns fit. */
EW_INLINE void ew_neon_q8_matrix_sum(const uint8_t *const *x, const int8_t *w, ptrdiff_t depth,
                                     const int rows, ew_i32x16 acc[EW_Q8_ROWS][4]) {
  const ptrdiff_t whole = depth & ~(ptrdiff_t)7;
  EW_UNROLL for (int r = 0; r < rows; r += 2) ew_neon_swap_blocks(&acc[r][0], &acc[r + 1][0]);
  for (ptrdiff_t k = 0; k < whole; k += 8, w += 128) {
    int8x16_t pair[EW_Q8_ROWS];
    EW_UNROLL for (int r = 0; r < rows; r += 2)
      pair[r] = vreinterpretq_s8_u8(vcombine_u8(vld1_u8(x[r] + k), vld1_u8(x[r + 1] + k)));
    EW_QUADS {
      const int32x4_t low = vreinterpretq_s32_s8(vld1q_s8(w + 16 * i));
      const int32x4_t high = vreinterpretq_s32_s8(vld1q_s8(w + 64 + 16 * i));
      const int8x16_t left = vreinterpretq_s8_s32(vzip1q_s32(low, high));
      const int8x16_t right = vreinterpretq_s8_s32(vzip2q_s32(low, high));
      EW_UNROLL for (int r = 0; r < rows; r += 2) {
        acc[r][0].q[i] = vmmlaq_s32(acc[r][0].q[i], pair[r], left);
        acc[r + 1][0].q[i] = vmmlaq_s32(acc[r + 1][0].q[i], pair[r], right);
      }
      /* Loads of the next columns that come earlier would spill accumulators. */
      EW_UNROLL for (int r = 0; r < rows; ++r)
        __asm__ volatile("" : "+w"(acc[r][0].q[i]) : : "memory");
    }
  }
  EW_UNROLL for (int r = 0; r < rows; r += 2) ew_neon_swap_blocks(&acc[r][0], &acc[r + 1][0]);
  if (whole == depth) return;
  EW_UNROLL for (int r = 0; r < rows; ++r)
    acc[r][0] = ew_dot4(acc[r][0], ew_dot_load_x(x[r] + whole), ew_dot_load_w(w));
}
#endif

#endif
#endif
