/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* conv -> int8[1,5,7,4] */
  ew_conv_s8((ew_conv_shape){.batch = 1, .in_h = 5, .in_w = 7, .in_c = 8,
        .out_h = 5, .out_w = 7, .out_c = 4,
        .kernel_h = 3, .kernel_w = 3, .stride_h = 1, .stride_w = 1,
        .dilation_h = 1, .dilation_w = 1, .pad_top = 1, .pad_left = 1, .groups = 1},
      EW_REQUANT_FLOAT, 0, io->x0, W(int8_t, 128), W(int32_t, 1280), W(int32_t, 1408), NULL,
      io->y0, A(void, 0));
  return EW_OK;
}
