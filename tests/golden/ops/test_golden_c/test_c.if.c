EW_UNARY_F32(ew_map_neg_f32, (const float *px, float *py, int n), ew_f32_neg(x))

EW_UNARY_F32(ew_map_abs_f32, (const float *px, float *py, int n), ew_f32_abs(x))

/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* if -> float32[4] */
  {
    if (*io->c) {
      /* neg -> float32[4] */
      ew_map_neg_f32(io->x, A(float, 0), 4);
    memcpy(io->y, A(float, 0), (size_t)(4) * 4);
    } else {
      /* abs -> float32[4] */
      ew_map_abs_f32(io->x, A(float, 16), 4);
    memcpy(io->y, A(float, 16), (size_t)(4) * 4);
    }
  }
  return EW_OK;
}
