EW_CAST(ew_cast_float32_int8, float, int8_t, ew_trunc_i8_f32(v))

/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* cast -> int8[2,19] */
  ew_cast_float32_int8(io->y0, io->x0, 38);
  return EW_OK;
}
