/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* tile -> float32[4,57] */
  {
    for (int32_t i_0 = 0; i_0 < 2; ++i_0) {
    ew_copy_planes(io->y0 + i_0 * 114, io->x0, 76, 2, 228, 76, 3, 76, 0);
    }
  }
  return EW_OK;
}
