/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* transpose -> float32[1,3,5,7] */
  ew_transpose_32(io->y0, io->x0, 35, 3, 35, 3);
  return EW_OK;
}
