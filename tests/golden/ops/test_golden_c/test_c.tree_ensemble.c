/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* tree_ensemble 'y' -> float32[1,1] */
  {
    const ew_trees trees_0 = {W(int32_t, 80), W(int32_t, 96), W(int32_t, 112), W(int32_t, 128), W(float, 144), 1, 1};
    ew_trees_regress(io->y, io->x, &trees_0, NULL, (uint8_t *)A(void, 0), 1, 3, 0, 0, 0);
  }
  return EW_OK;
}
