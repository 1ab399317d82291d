/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* dequantize -> float32[2,19] */
  ew_dequantize_s8(io->x0, io->y0, 38, *W(float, 80), *W(int32_t, 96));
  return EW_OK;
}
