/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* depth_to_space -> float32[1,4,6,2] */
  {
    for (int32_t i_0 = 0; i_0 < 2; ++i_0) {
    for (int32_t i_1 = 0; i_1 < 2; ++i_1) {
    for (int32_t i_2 = 0; i_2 < 3; ++i_2) {
    ew_transpose_32(io->y0 + i_0 * 24 + i_1 * 12 + i_2 * 4, io->x0 + i_0 * 24 + i_1 * 2 + i_2 * 8, 2,
        2, 2, 4);
    }
    }
    }
  }
  return EW_OK;
}
