EW_BINARY_F32(ew_add_f32_vv, (const float *pa, const float *pb, float *py, int n), EW_V_F32, EW_V_F32, ew_f32_add(a, b))

EW_UNARY_F32(ew_map_neg_f32, (const float *px, float *py, int n), ew_f32_neg(x))

/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* scan -> float32[4], float32[3,4] */
  {
    memcpy(A(float, 0), io->s, (size_t)(4) * 4);
    for (int32_t step__0 = 0; step__0 < 3; ++step__0) {
    memcpy(A(float, 16), io->x + step__0 * 4, 16);
      /* add -> float32[4] */
      ew_add_f32_vv(A(float, 0), A(float, 16), A(float, 32), 4);
      /* neg -> float32[4] */
      ew_map_neg_f32(A(float, 32), A(float, 48), 4);
    memcpy(io->all + step__0 * 4, A(float, 48), 16);
    memcpy(A(float, 0), A(float, 32), (size_t)(4) * 4);
    }
    memcpy(io->last, A(float, 0), (size_t)(4) * 4);
  }
  return EW_OK;
}
