/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* batch_to_space -> float32[1,3,4,3] */
  ew_batch_to_space(io->y0, io->x0, 1, 3, 4, 2, 2, 2, 2, 0, 0, 12);
  return EW_OK;
}
