EW_UNARY_F32(ew_map_gelu_f32, (const float *px, float *py, int n, float approximate), ew_f32_gelu(x, approximate))

/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* gelu -> float32[2,19] */
  ew_map_gelu_f32(io->x0, io->y0, 38, 0.0f);
  return EW_OK;
}
