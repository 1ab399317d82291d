/* memcpy and memset for a program without a C library. They are weak: a library's own win. */
#include <stddef.h>
#include <stdint.h>

/* Keeps the compiler from turning a loop into a call of the function that the loop is in. */
#define KEEP_LOOP __asm__ volatile("" ::: "memory")

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);

__attribute__((weak)) void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
  unsigned char *t = to;
  const unsigned char *f = from;
  if ((((uintptr_t)t | (uintptr_t)f) & 3) == 0)
    for (; bytes >= 4; bytes -= 4, t += 4, f += 4) {
      *(uint32_t *)(void *)t = *(const uint32_t *)(const void *)f;
      KEEP_LOOP;
    }
  for (; bytes; --bytes) {
    *t++ = *f++;
    KEEP_LOOP;
  }
  return to;
}

__attribute__((weak)) void *memset(void *to, int byte, size_t bytes) {
  unsigned char *t = to;
  const uint32_t word = (unsigned char)byte * 0x01010101u;
  for (; bytes && ((uintptr_t)t & 3); --bytes) {
    *t++ = (unsigned char)byte;
    KEEP_LOOP;
  }
  for (; bytes >= 4; bytes -= 4, t += 4) {
    *(uint32_t *)(void *)t = word;
    KEEP_LOOP;
  }
  for (; bytes; --bytes) {
    *t++ = (unsigned char)byte;
    KEEP_LOOP;
  }
  return to;
}

#if defined(__arm__)
/* The same under the names that the Arm EABI has for compilers; 4 and 8 are what is aligned to. */
#define EABI(name, parameters, call) \
  void __aeabi_##name parameters; \
  __attribute__((weak)) void __aeabi_##name parameters { call; }
#define EABI_ALIGNED(name, parameters, call) \
  EABI(name, parameters, call) \
  EABI(name##4, parameters, call) \
  EABI(name##8, parameters, call)
EABI_ALIGNED(memcpy, (void *restrict to, const void *restrict from, size_t bytes),
             memcpy(to, from, bytes))
EABI_ALIGNED(memset, (void *to, size_t bytes, int byte), memset(to, byte, bytes))
EABI_ALIGNED(memclr, (void *to, size_t bytes), memset(to, 0, bytes))
#endif
