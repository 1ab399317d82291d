/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* depthwise_conv -> float32[1,1,3,3] */
  ew_depthwise_f32((ew_conv_shape){.batch = 1, .in_h = 5, .in_w = 7, .in_c = 3,
        .out_h = 1, .out_w = 3, .out_c = 3,
        .kernel_h = 3, .kernel_w = 3, .stride_h = 1, .stride_w = 1,
        .dilation_h = 2, .dilation_w = 2, .pad_top = 0, .pad_left = 0, .groups = 3},
      io->x0, W(float, 128), W(float, 704), -EW_INFINITY, EW_INFINITY, io->y0, A(void, 0));
  return EW_OK;
}
