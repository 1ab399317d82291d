/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* reduce_max -> float32[1,3] */
  ew_reduce_max_f32(io->x0, io->y0, (ew_reduction){1, 1, 35, 0, 0, 3, 3}, (float)(35));
  return EW_OK;
}
