/* One function that calls any kernel with run-time shapes, and a program around it for emulators
   and sanitizers. tests/kernels/harness.py is the other side. */
#include "conv_f32.h"
#include "conv_q8.h"
#include "conv_s16.h"
#include "conv_transpose_f32.h"
#include "depthwise_f32.h"
#include "depthwise_q8.h"
#include "fully_connected_f32.h"
#include "fully_connected_q8.h"

enum { CONV_F32, CONV_Q8, DEPTHWISE_F32, DEPTHWISE_Q8, CONV_S16, CONV_TRANSPOSE_F32, VOCABULARY };
enum { SHAPE_INTS = 16 };

#include "vocabulary.h"

/* a[0]: the shape, then is_signed, mode, weight_zero, line; the rest as the kernel's arguments. */
__attribute__((visibility("default"))) void ew_test_call(int32_t function, void **a);
__attribute__((visibility("default"))) const char *ew_test_isa(void);

const char *ew_test_isa(void) { return EW_ISA_NAME; }

static void conv_q8(const ew_conv_shape shape, const int32_t *flags, void **a) {
  ew_conv_shape s = shape;
  s.line = flags[3];
#define CONV(suffix, mode, zero) \
  ew_conv_##suffix(s, mode, zero, a[1], a[2], a[3], a[4], a[5], a[6], a[7])
#define CONV_MODE(suffix, zero) \
  if (flags[1]) CONV(suffix, EW_REQUANT_FIXED, zero); \
  else CONV(suffix, EW_REQUANT_FLOAT, zero)
  if (flags[0]) {
    if (flags[2]) CONV_MODE(s8, 1);
    else CONV_MODE(s8, 0);
  } else {
    if (flags[2]) CONV_MODE(u8, 1);
    else CONV_MODE(u8, 0);
  }
}

static void depthwise_q8(const ew_conv_shape s, const int32_t *flags, void **a) {
  if (flags[0]) {
    if (flags[1]) ew_depthwise_s8(s, EW_REQUANT_FIXED, a[1], a[2], a[3], a[4], a[5], a[6]);
    else ew_depthwise_s8(s, EW_REQUANT_FLOAT, a[1], a[2], a[3], a[4], a[5], a[6]);
  } else {
    if (flags[1]) ew_depthwise_u8(s, EW_REQUANT_FIXED, a[1], a[2], a[3], a[4], a[5], a[6]);
    else ew_depthwise_u8(s, EW_REQUANT_FLOAT, a[1], a[2], a[3], a[4], a[5], a[6]);
  }
}

void ew_test_call(int32_t function, void **a) {
  ew_conv_shape s = {0};
  const int32_t *flags = (const int32_t *)a[0] + SHAPE_INTS;
  const float *limits = a[5];
  __builtin_memcpy(&s, a[0], SHAPE_INTS * sizeof(int32_t));
  if (function == CONV_F32)
    ew_conv_f32(s, a[1], a[2], a[3], a[4], limits[0], limits[1], a[6], a[7]);
  else if (function == CONV_Q8)
    conv_q8(s, flags, a);
  else if (function == DEPTHWISE_F32)
    ew_depthwise_f32(s, a[1], a[2], a[3], limits[0], limits[1], a[6], a[7]);
  else if (function == DEPTHWISE_Q8)
    depthwise_q8(s, flags, a);
  else if (function == CONV_S16)
    ew_conv_s16(s, a[1], a[2], a[3], a[4], a[5], a[6]);
  else if (function == CONV_TRANSPOSE_F32)
    ew_conv_transpose_f32(s, a[1], a[2], a[3], limits[0], limits[1], a[6]);
  else
    vocabulary(a);
}

#ifdef EW_TEST_PROGRAM
/* stdin: any number of calls, each as int32 function, count, sizes[count] (-1 - i: the same memory
   as argument i; INT32_MIN: null), then the bytes of the arguments. stdout: the arguments again. */
#include <stdlib.h>
#include <unistd.h>

static int transfer(int writing, void *data, size_t bytes) {
  char *at = data;
  while (bytes > 0) {
    const ssize_t done = writing ? write(1, at, bytes) : read(0, at, bytes);
    if (done <= 0) return 0;
    at += done;
    bytes -= (size_t)done;
  }
  return 1;
}

int main(void) {
  int32_t head[2], sizes[16];
  while (transfer(0, head, sizeof head)) {
    void *a[16] = {0};
    if (!transfer(0, sizes, sizeof sizes[0] * (size_t)head[1])) return 1;
    for (int32_t i = 0; i < head[1]; ++i) {
      if (sizes[i] == INT32_MIN) continue;
      if (sizes[i] < 0) {
        a[i] = a[-1 - sizes[i]];
        continue;
      }
      /* Exactly as many bytes as there are, for AddressSanitizer; scratch is aligned to 64. */
      a[i] = i == 7 || sizes[i] % 64 == 0 ? aligned_alloc(64, (size_t)sizes[i])
                                          : malloc((size_t)sizes[i]);
      if (!a[i] || !transfer(0, a[i], (size_t)sizes[i])) return 1;
    }
    ew_test_call(head[0], a);
    for (int32_t i = 0; i < head[1]; ++i) {
      if (sizes[i] < 0) continue;
      if (!transfer(1, a[i], (size_t)sizes[i])) return 1;
      free(a[i]);
    }
  }
  return 0;
}
#endif
