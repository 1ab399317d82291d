/* Asks an x86-64 CPU, and its operating system, which vector registers may be used. */
#ifndef EW_DETECT_CPUID_H
#define EW_DETECT_CPUID_H
#include "ew.h"

#if defined(__x86_64__) || defined(__i386__)
/* Not volatile: under a hypervisor each takes 5 us, and the compiler may ask once for the same. */
static inline void ew_cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4]) {
  __asm__("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(sub));
}

/* The register states that the operating system saves (XCR0); 0 without XSAVE. */
static inline uint32_t ew_saved_states(void) {
  uint32_t r[4], low, high;
  ew_cpuid(1, 0, r);
  if (!(r[2] & (1u << 27))) return 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

static inline uint32_t ew_leaf7(uint32_t out[4]) {
  ew_cpuid(0, 0, out);
  if (out[0] < 7) return 0;
  ew_cpuid(7, 0, out);
  return 1;
}

/* x86-64-v3: AVX2, FMA, BMI2, F16C, and the ymm registers. */
static inline int ew_cpu_has_avx2(void) {
  uint32_t one[4], seven[4];
  ew_cpuid(1, 0, one);
  const uint32_t fma_movbe_f16c = (1u << 12) | (1u << 22) | (1u << 29);
  const uint32_t avx2_bmi = (1u << 3) | (1u << 5) | (1u << 8);
  return (ew_saved_states() & 6u) == 6u && (one[2] & fma_movbe_f16c) == fma_movbe_f16c &&
         ew_leaf7(seven) && (seven[1] & avx2_bmi) == avx2_bmi;
}

/* x86-64-v4 with VNNI, and the zmm and mask registers. */
__attribute__((unused)) /* where a platform hides the registers */
static inline int ew_cpu_has_avx512vnni(void) {
  uint32_t seven[4];
  const uint32_t f_dq_cd_bw_vl = (1u << 16) | (1u << 17) | (1u << 28) | (1u << 30) | (1u << 31);
  return ew_cpu_has_avx2() && (ew_saved_states() & 0xe6u) == 0xe6u && ew_leaf7(seven) &&
         (seven[1] & f_dq_cd_bw_vl) == f_dq_cd_bw_vl && (seven[2] & (1u << 11));
}

/* The same with products of bfloat16. */
__attribute__((unused)) static inline int ew_cpu_has_avx512bf16(void) {
  uint32_t more[4];
  if (!ew_cpu_has_avx512vnni()) return 0;
  ew_cpuid(7, 1, more); /* zeros where there is no such leaf */
  return (int)(more[0] >> 5 & 1);
}
#endif
#endif
