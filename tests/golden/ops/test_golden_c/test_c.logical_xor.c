EW_BINARY(ew_logical_xor_bool_vv, uint8_t, uint8_t, (const uint8_t *pa, const uint8_t *pb, uint8_t *py, int n), 1, 1, a ^ b)

/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* logical_xor -> bool[2,19] */
  ew_logical_xor_bool_vv(io->x0, io->x1, io->y0, 38);
  return EW_OK;
}
