/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* reduce_prod -> float32[19] */
  ew_reduce_prod_f32(io->x0, io->y0, (ew_reduction){1, 1, 2, 0, 0, 19, 19}, (float)(2));
  return EW_OK;
}
