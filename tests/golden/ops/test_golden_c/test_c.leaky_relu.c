EW_UNARY_F32(ew_map_leaky_relu_f32, (const float *px, float *py, int n, float alpha), ew_f32_leaky_relu(x, alpha))

/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* leaky_relu -> float32[2,19] */
  ew_map_leaky_relu_f32(io->x0, io->y0, 38, 0.01f);
  return EW_OK;
}
