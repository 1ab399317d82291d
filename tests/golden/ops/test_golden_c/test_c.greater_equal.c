EW_BINARY(ew_greater_equal_float32_vv, float, uint8_t, (const float *pa, const float *pb, uint8_t *py, int n), 1, 1, a >= b)

/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* greater_equal -> bool[2,19] */
  ew_greater_equal_float32_vv(io->x0, io->x1, io->y0, 38);
  return EW_OK;
}
