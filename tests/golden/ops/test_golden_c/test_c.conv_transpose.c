/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* conv_transpose -> float32[1,11,15,2] */
  ew_conv_transpose_f32((ew_conv_shape){.batch = 1, .in_h = 5, .in_w = 7, .in_c = 3,
        .out_h = 11, .out_w = 15, .out_c = 2,
        .kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2,
        .dilation_h = 1, .dilation_w = 1, .pad_top = 0, .pad_left = 0, .groups = 1},
      io->x0, W(float, 128), W(float, 1856), -EW_INFINITY, EW_INFINITY, io->y0);
  return EW_OK;
}
