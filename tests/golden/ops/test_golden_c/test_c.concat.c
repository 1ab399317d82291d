/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* concat -> int8[2,23] */
  {
    ew_copy_rows(io->y0, io->x0, 19, 2, 23, 19);
    ew_look_up_rows(io->y0 + 19, io->x1, W(uint8_t, 128), 4, 2, 23, 4);
  }
  return EW_OK;
}
