/* The place of the largest or smallest element: x [outer, size, inner] to y [outer, inner].

   The first of equals wins. The search begins with the worst value at place 0 and moves only for
   something better, so NaN never wins. Sixteen lanes keep a best of their own: neighbours of one
   row where inner is 1, else neighbouring columns. */
#ifndef EW_ARGMAX_H
#define EW_ARGMAX_H
#include "ew.h"

#define EW_ARG(name, type, place, worst, better)                                                   \
  EW_INLINE place name##_row(const type *restrict x, int32_t size) {                               \
    type best[16];                                                                                 \
    int32_t at[16];                                                                                \
    for (int l = 0; l < 16; ++l) best[l] = worst, at[l] = 0;                                       \
    int32_t i = 0;                                                                                 \
    for (; size >= 64 && i + 16 <= size; i += 16) /* shorter rows do not pay for the lanes */      \
      for (int l = 0; l < 16; ++l) {                                                               \
        const int moves = x[i + l] better best[l];                                                 \
        at[l] = moves ? i + l : at[l];                                                             \
        best[l] = moves ? x[i + l] : best[l];                                                      \
      }                                                                                            \
    for (int l = 1; l < 16; ++l)                                                                   \
      if (best[l] better best[0] || (best[l] == best[0] && at[l] < at[0]))                         \
        best[0] = best[l], at[0] = at[l];                                                          \
    for (; i < size; ++i)                                                                          \
      if (x[i] better best[0]) best[0] = x[i], at[0] = i;                                          \
    return (place)at[0];                                                                           \
  }                                                                                                \
  EW_INLINE void name##_columns(place *restrict y, const type *restrict x, int32_t size,           \
                                int32_t inner, int32_t n) {                                        \
    type best[16];                                                                                 \
    int32_t at[16];                                                                                \
    for (int l = 0; l < n; ++l) best[l] = worst, at[l] = 0;                                        \
    for (int32_t i = 0; i < size; ++i, x += inner)                                                 \
      for (int l = 0; l < n; ++l) {                                                                \
        const int moves = x[l] better best[l];                                                     \
        at[l] = moves ? i : at[l];                                                                 \
        best[l] = moves ? x[l] : best[l];                                                          \
      }                                                                                            \
    for (int l = 0; l < n; ++l) y[l] = (place)at[l];                                               \
  }                                                                                                \
  EW_INLINE void name(place *restrict y, const type *restrict x, int32_t outer, int32_t size,      \
                      int32_t inner) {                                                             \
    for (int32_t o = 0; o < outer; ++o, x += (ptrdiff_t)size * inner, y += inner) {                \
      if (inner == 1) {                                                                            \
        y[0] = name##_row(x, size);                                                                \
        continue;                                                                                  \
      }                                                                                            \
      int32_t c = 0;                                                                               \
      for (; c + 16 <= inner; c += 16) name##_columns(y + c, x + c, size, inner, 16);              \
      if (c < inner) name##_columns(y + c, x + c, size, inner, inner - c);                         \
    }                                                                                              \
  }

#define EW_ARG_BOTH(short, type, low, high)                                                        \
  EW_ARG(ew_argmax_##short##_i32, type, int32_t, low, >)                                           \
  EW_ARG(ew_argmax_##short##_i64, type, int64_t, low, >)                                           \
  EW_ARG(ew_argmin_##short##_i32, type, int32_t, high, <)                                          \
  EW_ARG(ew_argmin_##short##_i64, type, int64_t, high, <)

EW_ARG_BOTH(f32, float, -EW_INFINITY, EW_INFINITY)
EW_ARG_BOTH(f64, double, -(double)EW_INFINITY, (double)EW_INFINITY)
EW_ARG_BOTH(i8, int8_t, INT8_MIN, INT8_MAX)
EW_ARG_BOTH(i16, int16_t, INT16_MIN, INT16_MAX)
EW_ARG_BOTH(i32, int32_t, INT32_MIN, INT32_MAX)
EW_ARG_BOTH(i64, int64_t, INT64_MIN, INT64_MAX)
EW_ARG_BOTH(u8, uint8_t, 0, UINT8_MAX)
EW_ARG_BOTH(u16, uint16_t, 0, UINT16_MAX)
EW_ARG_BOTH(u32, uint32_t, 0, UINT32_MAX)

#endif
