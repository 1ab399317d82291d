/* ======== model ======== */

int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env);
int EW_LEVEL_NAME(model_run)(const model_io *io, void *arena,
    const void *weights, const ew_env *env) {
  (void)io, (void)arena, (void)weights, (void)env;
  /* detection_post_process -> float32[1,4,4], float32[1,4], float32[1,4], float32[1] */
  {
    const ew_detection detection_0 = {.encodings = {io->x0, EW_DETECTION_U8, 4, W(float, 112)}, .scores = {io->x1, EW_DETECTION_U8, 4, W(float, 128)}, .anchors = W(float, 144), .scale = W(float, 240), .least = W(float, 256), .boxes = 6, .classes = 3, .first = 1, .most = 4, .repeats = 1};
    ew_detection_fast(io->y0, io->y1, io->y2, io->y3, &detection_0, A(void, 0));
  }
  return EW_OK;
}
