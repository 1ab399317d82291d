/* Asks a 64-bit Arm CPU through the id registers, which Linux lets user programs read, and a RISC-V
   one through the kernel, without libc. */
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
/* ID_AA64ISAR1_EL1.I8MM, bits 55..52: 1 when SMMLA is there. */
static inline int ew_cpu_has_i8mm(void) {
  uint64_t features;
  __asm__("mrs %0, ID_AA64ISAR1_EL1" : "=r"(features));
  return ew_cpu_has_dotprod() && ((features >> 52) & 15u) != 0;
}
#endif

#if defined(__riscv)
/* The system call riscv_hwprobe, key IMA_EXT_0, bit IMA_V: vectors of version 1.0. Kernels before
   6.5 do not know it; their hwcap bit may also mean version 0.7, so it is not asked. */
static inline int ew_cpu_has_rv64gcv(void) {
  struct { int64_t key; uint64_t value; } pair = {4, 0};
  register long a0 __asm__("a0") = (long)&pair;
  register long a1 __asm__("a1") = 1; /* pairs; then no CPU set, so all CPUs, and no flags */
  register long a2 __asm__("a2") = 0;
  register long a3 __asm__("a3") = 0;
  register long a4 __asm__("a4") = 0;
  register long a7 __asm__("a7") = 258;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a7) : "memory");
  return a0 == 0 && pair.key == 4 && (pair.value >> 2 & 1);
}
#endif
#endif
