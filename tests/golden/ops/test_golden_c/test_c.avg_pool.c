/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* avg_pool -> int8[1,3,3,5] */
  ew_avg_pool_s8(io->x0, io->y0, 1, 6, 6, 5, 3, 3, 2, 2, 2, 2, 1, 1, 0, 0, 0, W(int32_t, 80));
  return EW_OK;
}
