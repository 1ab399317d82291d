EW_UNARY_INT(ew_map_not, uint8_t, int32_t, (const uint8_t *px, uint8_t *py, int n), !x)

EW_UNARY_F32(ew_map_neg_f32, (const float *px, float *py, int n), ew_f32_neg(x))

/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* loop -> float32[4] */
  {
    memcpy(A(float, 0), io->x, (size_t)(4) * 4);
    const int64_t limit_0 = *io->n;
    int64_t count_0 = 0;
    int go_0 = 1 != 0;
    for (; go_0 && count_0 < limit_0; ++count_0) {
    *A(int64_t, 32) = count_0;
    *A(uint8_t, 40) = (uint8_t)go_0;
      /* logical_not -> bool[] */
      ew_map_not(A(uint8_t, 40), A(uint8_t, 41), 1);
      /* neg -> float32[4] */
      ew_map_neg_f32(A(float, 0), A(float, 16), 4);
    go_0 = *A(uint8_t, 41) != 0;
    memcpy(A(float, 0), A(float, 16), (size_t)(4) * 4);
    }
    memcpy(io->y, A(float, 0), (size_t)(4) * 4);
  }
  return EW_OK;
}
