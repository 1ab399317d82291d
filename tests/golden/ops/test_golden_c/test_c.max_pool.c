/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* max_pool -> float32[1,5,7,3] */
  ew_max_pool_f32(io->x0, io->y0, 1, 5, 7, 3, 5, 7, 3, 3, 1, 1, 1, 1, 1, 1, -__builtin_inff(),
      __builtin_inff());
  return EW_OK;
}
