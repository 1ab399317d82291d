/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* lstm -> float32[4,1,3], float32[1,3], float32[1,3] */
  {
    memset(io->y1, 0, (size_t)(3) * 4);
    memset(io->y2, 0, (size_t)(3) * 4);
    for (int t_0 = 0; t_0 < 4; ++t_0)
      for (int n_0 = 0; n_0 < 1; ++n_0) {
        ew_lstm_step_f32(io->x0 + (t_0 * 1 + n_0) * 5, 5, 3, W(float, 128), W(float, 1408),
        W(float, 2176), 0.0f, (float *)A(void, 0), io->y1 + n_0 * 3, io->y2 + n_0 * 3,
        io->y0 + (t_0 * 1 + n_0) * 3);
      }
  }
  return EW_OK;
}
