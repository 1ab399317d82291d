/* Elements chosen at run time. Negative indices count from the end; the functions return 1, and
   leave the result undefined, when an index is outside of [-size, size). */
#ifndef EW_GATHER_H
#define EW_GATHER_H
#include "ew.h"

#define EW_GATHER(bits)                                                                            \
  EW_INLINE int ew_gather_i##bits(void *restrict to, const void *restrict from,                    \
                                  const int##bits##_t *restrict indices, int32_t batch,            \
                                  int32_t outer, int32_t size, int32_t count, int32_t run) {       \
    char *t = (char *)to;                                                                          \
    const char *f = (const char *)from;                                                            \
    for (int32_t b = 0; b < batch; ++b, indices += count)                                          \
      for (int32_t o = 0; o < outer; ++o, f += (ptrdiff_t)size * run)                              \
        for (int32_t i = 0; i < count; ++i, t += run) {                                            \
          const int64_t at = indices[i] < 0 ? (int64_t)indices[i] + size : indices[i];             \
          if (at < 0 || at >= size) return 1;                                                      \
          __builtin_memcpy(t, f + (ptrdiff_t)at * run, (size_t)run);                               \
        }                                                                                          \
    return 0;                                                                                      \
  }                                                                                                \
                                                                                                   \
  /* sizes and steps (in bytes) of the `depth` axes that the coordinates choose in */              \
  EW_INLINE int ew_gather_nd_i##bits(void *restrict to, const void *restrict from,                 \
                                     const int##bits##_t *restrict indices, const int32_t *sizes,  \
                                     const int32_t *steps, int32_t batch, int32_t batch_step,      \
                                     int32_t count, int32_t depth, int32_t run) {                  \
    char *t = (char *)to;                                                                          \
    for (int32_t b = 0; b < batch; ++b)                                                            \
      for (int32_t i = 0; i < count; ++i, t += run, indices += depth) {                            \
        const char *f = (const char *)from + (ptrdiff_t)b * batch_step;                            \
        for (int32_t k = 0; k < depth; ++k) {                                                      \
          const int64_t at = indices[k] < 0 ? (int64_t)indices[k] + sizes[k] : indices[k];         \
          if (at < 0 || at >= sizes[k]) return 1;                                                  \
          f += (ptrdiff_t)at * steps[k];                                                           \
        }                                                                                          \
        __builtin_memcpy(t, f, (size_t)run);                                                       \
      }                                                                                            \
    return 0;                                                                                      \
  }

EW_GATHER(32)
EW_GATHER(64)

#endif
