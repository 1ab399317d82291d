/* Division for 32-bit Arm: of 32 bits for CPUs that may lack the instruction, of 64 bits for all.
   Nothing on such a platform promises these functions to libraries: compilers link them in, and so
   do we; the linker drops what is not called. */
#include <stdint.h>

#define HIDDEN __attribute__((visibility("hidden")))

HIDDEN uint64_t __aeabi_uidivmod(uint32_t top, uint32_t bottom);
HIDDEN uint32_t __aeabi_uidiv(uint32_t top, uint32_t bottom);
HIDDEN uint64_t __aeabi_idivmod(int32_t top, int32_t bottom);
HIDDEN int32_t __aeabi_idiv(int32_t top, int32_t bottom);
HIDDEN void __aeabi_uldivmod(void);
HIDDEN void __aeabi_ldivmod(void);
HIDDEN uint64_t ew_divide_unsigned(uint64_t top, uint64_t bottom, uint64_t *rest);
HIDDEN int64_t ew_divide_signed(int64_t top, int64_t bottom, int64_t *rest);

/* The remainder goes back in the second register, which is the upper half of 64 bits. */
uint64_t __aeabi_uidivmod(uint32_t top, uint32_t bottom) {
  uint32_t quotient = 0, rest = 0;
  for (int bit = 31; bit >= 0; --bit) {
    rest = rest << 1 | (top >> bit & 1u);
    if (rest >= bottom) rest -= bottom, quotient |= 1u << bit;
  }
  return (uint64_t)rest << 32 | quotient;
}

uint32_t __aeabi_uidiv(uint32_t top, uint32_t bottom) {
  return (uint32_t)__aeabi_uidivmod(top, bottom);
}

uint64_t __aeabi_idivmod(int32_t top, int32_t bottom) {
  const uint32_t up = top < 0 ? 0u - (uint32_t)top : (uint32_t)top;
  const uint32_t down = bottom < 0 ? 0u - (uint32_t)bottom : (uint32_t)bottom;
  const uint64_t both = __aeabi_uidivmod(up, down);
  const uint32_t quotient = (uint32_t)both, rest = (uint32_t)(both >> 32);
  const uint32_t remainder = top < 0 ? 0u - rest : rest;
  return (uint64_t)remainder << 32 | ((top ^ bottom) < 0 ? 0u - quotient : quotient);
}

int32_t __aeabi_idiv(int32_t top, int32_t bottom) {
  return (int32_t)(uint32_t)__aeabi_idivmod(top, bottom);
}

uint64_t ew_divide_unsigned(uint64_t top, uint64_t bottom, uint64_t *rest) {
  uint64_t quotient = 0, left = 0;
  int bit = 63;
  if (!(top >> 32)) bit = 31; /* what nearly all sizes and positions are */
  for (; bit >= 0; --bit) {
    left = left << 1 | (top >> bit & 1u);
    if (left >= bottom) left -= bottom, quotient |= (uint64_t)1 << bit;
  }
  *rest = left;
  return quotient;
}

int64_t ew_divide_signed(int64_t top, int64_t bottom, int64_t *rest) {
  const uint64_t up = top < 0 ? 0u - (uint64_t)top : (uint64_t)top;
  const uint64_t down = bottom < 0 ? 0u - (uint64_t)bottom : (uint64_t)bottom;
  uint64_t left;
  const uint64_t quotient = ew_divide_unsigned(up, down, &left);
  *rest = (int64_t)(top < 0 ? 0u - left : left);
  return (int64_t)((top ^ bottom) < 0 ? 0u - quotient : quotient);
}

/* The quotient goes back in r0 and r1, the remainder in r2 and r3, which C cannot say. */
#define BOTH(function)                                                                      \
  __asm__("push {r6, lr}\n\tsub sp, sp, #16\n\tadd r6, sp, #8\n\tstr r6, [sp]\n\tbl " function \
          "\n\tldr r2, [sp, #8]\n\tldr r3, [sp, #12]\n\tadd sp, sp, #16\n\tpop {r6, pc}")

__attribute__((naked)) void __aeabi_uldivmod(void) { BOTH("ew_divide_unsigned"); }
__attribute__((naked)) void __aeabi_ldivmod(void) { BOTH("ew_divide_signed"); }
