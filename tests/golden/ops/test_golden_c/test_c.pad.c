/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* pad -> float32[1,8,10,3] */
  {
    ew_copy_rows(io->y0 + 39, io->x0, 84, 5, 120, 84);
    ew_copy_planes(io->y0 + 30, io->y0 + 48, 12, 5, 120, 120, 3, 12, -12);
    memcpy(io->y0, io->y0 + 60, 120);
    ew_copy_rows(io->y0 + 180, io->y0 + 120, 120, 2, 120, -120);
  }
  return EW_OK;
}
