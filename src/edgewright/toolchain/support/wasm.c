/* What libc is to other targets; where the compiler may use bulk memory, one instruction each. */
typedef __SIZE_TYPE__ size_t;

void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
#if defined(__wasm_bulk_memory_opt__)
  __builtin_memcpy(to, from, bytes);
#else
  for (size_t i = 0; i < bytes; ++i) ((char *)to)[i] = ((const char *)from)[i];
#endif
  return to;
}

void *memset(void *to, int byte, size_t bytes) {
#if defined(__wasm_bulk_memory_opt__)
  __builtin_memset(to, byte, bytes);
#else
  for (size_t i = 0; i < bytes; ++i) ((char *)to)[i] = (char)byte;
#endif
  return to;
}
