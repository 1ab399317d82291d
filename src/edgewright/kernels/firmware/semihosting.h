/* Semihosting: files and exit codes of the machine behind a debugger or emulator. */
#ifndef EW_SEMIHOSTING_H
#define EW_SEMIHOSTING_H
#include <stdint.h>

enum {
  EW_SYS_OPEN = 0x01,
  EW_SYS_WRITE0 = 0x04,
  EW_SYS_WRITE = 0x05,
  EW_SYS_READ = 0x06,
  EW_SYS_EXIT_EXTENDED = 0x20,
  EW_READ_BINARY = 1,
  EW_WRITE_BINARY = 5,
  EW_STOPPED_BY_APPLICATION = 0x20026
};

static inline intptr_t ew_semihosting(int operation, const void *block) {
#if defined(__arm__)
  register intptr_t result __asm__("r0") = operation;
  register const void *argument __asm__("r1") = block;
  __asm__ volatile("bkpt 0xab" : "+r"(result) : "r"(argument) : "memory");
#else
  register intptr_t result __asm__("a0") = operation;
  register const void *argument __asm__("a1") = block;
  __asm__ volatile(
      ".option push\n.option norvc\n.balign 16\n" /* the three must lie in one page */
      "slli zero, zero, 0x1f\nebreak\nsrai zero, zero, 7\n.option pop"
      : "+r"(result)
      : "r"(argument)
      : "memory");
#endif
  return result;
}

static inline intptr_t ew_host_open(const char *name, uintptr_t length, uintptr_t mode) {
  const uintptr_t block[3] = {(uintptr_t)name, mode, length};
  return ew_semihosting(EW_SYS_OPEN, block);
}

/* 0 when all bytes were read. */
static inline intptr_t ew_host_read(intptr_t file, void *to, uintptr_t bytes) {
  const uintptr_t block[3] = {(uintptr_t)file, (uintptr_t)to, bytes};
  return bytes ? ew_semihosting(EW_SYS_READ, block) : 0;
}

/* 0 when all bytes were written. */
static inline intptr_t ew_host_write(intptr_t file, const void *from, uintptr_t bytes) {
  const uintptr_t block[3] = {(uintptr_t)file, (uintptr_t)from, bytes};
  return bytes ? ew_semihosting(EW_SYS_WRITE, block) : 0;
}

static inline void ew_host_print(const char *text) { ew_semihosting(EW_SYS_WRITE0, text); }

__attribute__((noreturn)) static inline void ew_host_exit(uintptr_t status) {
  const uintptr_t block[2] = {EW_STOPPED_BY_APPLICATION, status};
  for (;;) ew_semihosting(EW_SYS_EXIT_EXTENDED, block);
}

#endif
