EW_UNARY_INT(ew_map_not, uint8_t, int32_t, (const uint8_t *px, uint8_t *py, int n), !x)

/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* logical_not -> bool[2,19] */
  ew_map_not(io->x0, io->y0, 38);
  return EW_OK;
}
