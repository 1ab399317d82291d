/* Asks iOS and macOS what the CPU has; the id registers are not for programs there. */
#ifndef EW_DETECT_SYSCTL_H
#define EW_DETECT_SYSCTL_H
#include "ew.h"

#if defined(__APPLE__)
int sysctlbyname(const char *name, void *old, size_t *old_bytes, void *fresh, size_t fresh_bytes);

/* 0 for names that this version of the system does not know. */
static inline int ew_cpu_has(const char *name) {
  int32_t answer = 0;
  size_t bytes = sizeof answer;
  return sysctlbyname(name, &answer, &bytes, 0, 0) == 0 && answer != 0;
}

static inline int ew_cpu_has_dotprod(void) { return ew_cpu_has("hw.optional.arm.FEAT_DotProd"); }
#endif
#endif
