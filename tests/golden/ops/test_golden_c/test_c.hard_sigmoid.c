EW_UNARY_F32(ew_map_hard_sigmoid_f32, (const float *px, float *py, int n, float alpha, float beta), ew_f32_hard_sigmoid(x, alpha, beta))

/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* hard_sigmoid -> float32[2,19] */
  ew_map_hard_sigmoid_f32(io->x0, io->y0, 38, 0.2f, 0.5f);
  return EW_OK;
}
