/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* slice -> float32[1,6] */
  ew_copy_rows(io->y0, io->x0 + 37, 4, 6, 4, -12);
  return EW_OK;
}
