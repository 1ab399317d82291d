/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* gather_nd -> float32[3] */
  {
    const int32_t sizes_0[] = {2, 19};
    const int32_t steps_0[] = {76, 4};
    if (ew_gather_nd_i32(io->y0, io->x0, io->x1, sizes_0, steps_0, 1, 152, 3, 2, 4)) return EW_ERROR_INDEX;
  }
  return EW_OK;
}
