/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* matmul -> float32[2,3,5] */
  {
    for (int i_0 = 0; i_0 < 2; ++i_0) {
    ew_matmul_f32(io->x0 + i_0 * 12, io->x1 + i_0 * 20, io->y0 + i_0 * 15, 3, 4, 5);
    }
  }
  return EW_OK;
}
