/* Division for 32-bit Arm CPUs that may lack the instruction. Nothing on such a platform promises
   this function to libraries: compilers link it in, and so do we. */
#include <stdint.h>

__attribute__((visibility("hidden"))) uint32_t __aeabi_uidiv(uint32_t top, uint32_t bottom);
__attribute__((visibility("hidden"))) uint32_t __aeabi_uidiv(uint32_t top, uint32_t bottom) {
  uint32_t quotient = 0, rest = 0;
  for (int bit = 31; bit >= 0; --bit) {
    rest = rest << 1 | (top >> bit & 1u);
    if (rest >= bottom) rest -= bottom, quotient |= 1u << bit;
  }
  return quotient;
}

__attribute__((visibility("hidden"))) int32_t __aeabi_idiv(int32_t top, int32_t bottom);
__attribute__((visibility("hidden"))) int32_t __aeabi_idiv(int32_t top, int32_t bottom) {
  const uint32_t up = top < 0 ? 0u - (uint32_t)top : (uint32_t)top;
  const uint32_t down = bottom < 0 ? 0u - (uint32_t)bottom : (uint32_t)bottom;
  const uint32_t size = __aeabi_uidiv(up, down);
  return (int32_t)((top ^ bottom) < 0 ? 0u - size : size);
}
