/* What a Windows DLL without a C run-time library has to bring: its entry point under the two names
   that versions of zig look for, the mark that the compiler asks for where floats are used, and the
   two functions of libc that generated code may call. */
#include <stddef.h>

extern const int _fltused;
const int _fltused = 0;

int DllMainCRTStartup(void *module, unsigned reason, void *reserved);
int DllMainCRTStartup(void *module, unsigned reason, void *reserved) {
  (void)module, (void)reason, (void)reserved;
  return 1;
}
int _DllMainCRTStartup(void *module, unsigned reason, void *reserved);
int _DllMainCRTStartup(void *module, unsigned reason, void *reserved) {
  return DllMainCRTStartup(module, reason, reserved);
}

/* The instructions that Windows' own memcpy uses for all but small blocks, which are inlined. */
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
  void *end = to;
  __asm__ volatile("rep movsb" : "+D"(end), "+S"(from), "+c"(bytes) : : "memory");
  return to;
}
void *memset(void *to, int byte, size_t bytes);
void *memset(void *to, int byte, size_t bytes) {
  void *end = to;
  __asm__ volatile("rep stosb" : "+D"(end), "+c"(bytes) : "a"(byte) : "memory");
  return to;
}
