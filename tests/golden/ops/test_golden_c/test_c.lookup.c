/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* lookup -> uint8[2,19] */
  ew_table_8(io->x0, W(uint8_t, 128), io->y0, 38);
  return EW_OK;
}
