/* A choice between two rows, element by element. A step of 0 repeats the first element. */
#ifndef EW_SELECT_H
#define EW_SELECT_H
#include "ew.h"

#define EW_SELECT(bits)                                                                            \
  EW_INLINE void ew_select_##bits(void *restrict to, const uint8_t *restrict condition,            \
                                  const void *restrict a, const void *restrict b, int32_t count,   \
                                  int32_t condition_step, int32_t a_step, int32_t b_step) {        \
    uint##bits##_t *restrict t = (uint##bits##_t *)to;                                             \
    const uint##bits##_t *restrict first = (const uint##bits##_t *)a;                              \
    const uint##bits##_t *restrict second = (const uint##bits##_t *)b;                             \
    for (int32_t i = 0; i < count; ++i) {                                                          \
      const uint##bits##_t yes = first[i * a_step], no = second[i * b_step];                       \
      t[i] = condition[i * condition_step] ? yes : no;                                             \
    }                                                                                              \
  }

EW_SELECT(8)
EW_SELECT(16)
EW_SELECT(32)
EW_SELECT(64)

#endif
