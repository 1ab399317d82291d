/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* read_state -> float32[4] */
  memcpy(io->y, ((char *)io->state + 0), 16);
  return EW_OK;
}
