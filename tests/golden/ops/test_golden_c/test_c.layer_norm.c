/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* layer_norm -> float32[2,19] */
  ew_layer_norm_f32(io->x0, W(float, 80), W(float, 160), io->y0, 38 / 19, 19, 0.00001f);
  return EW_OK;
}
