EW_BINARY_F32(ew_sub_f32_vv, (const float *pa, const float *pb, float *py, int n), EW_V_F32, EW_V_F32, ew_f32_sub(a, b))

/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* sub -> float32[2,19] */
  ew_sub_f32_vv(io->x0, io->x1, io->y0, 38);
  return EW_OK;
}
