/* Asks a 64-bit Arm CPU through the id registers, which Linux lets user programs read. */
#ifndef EW_DETECT_HWCAP_H
#define EW_DETECT_HWCAP_H
#include "ew.h"

#if defined(__aarch64__)
/* ID_AA64ISAR0_EL1.DP, bits 47..44: 1 when SDOT and UDOT are there. */
static inline int ew_cpu_has_dotprod(void) {
  uint64_t features;
  __asm__("mrs %0, ID_AA64ISAR0_EL1" : "=r"(features));
  return ((features >> 44) & 15u) != 0;
}
#endif
#endif
