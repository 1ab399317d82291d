/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* quantize -> int8[2,19] */
  ew_quantize_s8(io->x0, io->y0, 38, W(int32_t, 80), EW_REQUANT_FLOAT);
  return EW_OK;
}
