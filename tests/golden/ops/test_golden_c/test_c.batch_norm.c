/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* batch_norm -> float32[1,5,7,3] */
  ew_batch_norm_f32(io->x0, io->y0, 35, 3, W(float, 80), W(float, 96), W(float, 112),
      W(float, 128), 0.00001f);
  return EW_OK;
}
