EW_BINARY_Q(ew_q_add_short_s8_vv, s8, int8_t, EW_V_Q, EW_V_Q, ew_q_add_short)

/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* add -> int8[2,19] */
  ew_q_add_short_s8_vv(io->x0, io->x1, io->y0, 38, W(int32_t, 96));
  return EW_OK;
}
