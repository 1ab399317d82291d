/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* tree_ensemble 'y' -> float32[1,1] */
  {
    const ew_trees trees_0 = {.trees = 1, .targets = 1, .features = 3, .block = 1, .compact = W(int32_t, 80), .leaf = W(int32_t, 112), .roots = W(int32_t, 128), .steps = W(int32_t, 160), .nans = 1, .leaf_weight = W(float, 176), .leaf_target = W(int32_t, 192), .has = W(uint8_t, 208), .run = 1};
    ew_trees_regress(io->y, io->x, &trees_0, NULL, A(void, 0), 1, 0, 0);
  }
  return EW_OK;
}
