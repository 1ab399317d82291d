/* ======== small ======== */

int EW_LEVEL_NAME(small_run)(const small_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(small_run)(const small_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* fully_connected -> float32[1,3] */
  ew_fully_connected_f32(1, 4, 3, io->x, W(float, 128), W(float, 384), NULL, 0.0f, EW_INFINITY,
      io->s, A(void, 0));
  /* softmax -> float32[1,3] */
  ew_softmax_f32(io->s, io->s, 1, 3, 1.0f);
  return EW_OK;
}

#endif /* !EW_DISPATCH */

#if !defined(EW_LEVEL)

EW_EXPORT int small_check_weights(const void *weights, size_t bytes) {
  const char magic[4] = {'E', 'W', 'W', 'T'};
  const char *head = (const char *)weights;
  if (!weights) return EW_ERROR_NULL;
  if ((uintptr_t)weights % 64) return EW_ERROR_ALIGNMENT;
  if (bytes < 64 || bytes < SMALL_WEIGHTS_BYTES) return EW_ERROR_WEIGHTS;
  for (int i = 0; i < 4; ++i)
    if (head[i] != magic[i]) return EW_ERROR_WEIGHTS;
  if (*W(uint32_t, 4) != EW_INTERFACE_VERSION) return EW_ERROR_VERSION;
  if (*W(uint64_t, 8) != SMALL_LAYOUT_HASH) return EW_ERROR_WEIGHTS;
  return *W(uint64_t, 16) == SMALL_WEIGHTS_BYTES ? EW_OK : EW_ERROR_WEIGHTS;
}

EW_EXPORT float small_scale(const void *weights, int tensor) {
  return *W(float, 64 + 8 * tensor);
}

EW_EXPORT int32_t small_zero(const void *weights, int tensor) {
  return *W(int32_t, 68 + 8 * tensor);
}

#if defined(EW_DISPATCH)
