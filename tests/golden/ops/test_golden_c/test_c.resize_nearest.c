/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* resize_nearest -> float32[1,9,5,3] */
  ew_resize_nearest(io->x0, io->y0, 1, 5, 7, 3, 9, 5, 4, EW_ASYMMETRIC, EW_ROUND_HALF_DOWN);
  return EW_OK;
}
