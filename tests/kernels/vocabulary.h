/* Every word of the SIMD vocabulary on sixteen lanes; tests/kernels/test_vocabulary.py knows the
   order of the results. a[1], a[2], a[3]: float32 [16]; a[4], a[5]: int32 [16]; a[6]: int32 results
   [words][16]; a[7]: bytes [64 + 64] for loads of 8 and 16 bits; a[8]: int32 n. */
static void put_f(int32_t **to, ew_f32x16 v) { ew_i32_store(*to, ew_bits_of_f32(v)); *to += 16; }
static void put_i(int32_t **to, ew_i32x16 v) { ew_i32_store(*to, v); *to += 16; }
static void put_m(int32_t **to, ew_mask16 m) {
  put_i(to, ew_i32_select(m, ew_i32_dup(1), ew_i32_dup(0)));
}

static void vocabulary_f32(int32_t **to, void **a, int n) {
  const ew_f32x16 x = ew_f32_load(a[1]), y = ew_f32_load(a[2]), z = ew_f32_load(a[3]);
  put_f(to, ew_f32_add(x, y));
  put_f(to, ew_f32_sub(x, y));
  put_f(to, ew_f32_mul(x, y));
  put_f(to, ew_f32_div(x, y));
  put_f(to, ew_f32_max(x, y));
  put_f(to, ew_f32_min(x, y));
  put_f(to, ew_f32_abs(x));
  put_f(to, ew_f32_neg(x));
  put_f(to, ew_f32_round(x));
  put_f(to, ew_f32_floor(x));
  put_f(to, ew_f32_ceil(x));
  put_f(to, ew_f32_sqrt(ew_f32_abs(x)));
  put_f(to, ew_fma(x, y, z));
  put_f(to, ew_f32_clamp(x, ew_f32_dup(-1.0f), ew_f32_dup(2.0f)));
  put_f(to, ew_f32_load_n(a[1], n));
  put_m(to, ew_f32_lt(x, y));
  put_m(to, ew_f32_le(x, y));
  put_m(to, ew_f32_eq(x, y));
  put_f(to, ew_f32_select(ew_mask_not(ew_f32_lt(x, y)), x, y));
  put_m(to, ew_mask_and(ew_f32_lt(x, y), ew_f32_lt(x, z)));
  put_m(to, ew_mask_or(ew_f32_lt(x, y), ew_f32_lt(x, z)));
  put_f(to, ew_f32_dup(ew_f32_sum(x)));
  put_f(to, ew_f32_dup(ew_f32_top(x)));
  put_i(to, ew_i32_of_f32(x));
  ew_f32_store_n((float *)*to, x, n);
  *to += 16;
}

static void vocabulary_i32(int32_t **to, void **a, int n) {
  const ew_i32x16 x = ew_i32_load(a[4]), y = ew_i32_load(a[5]);
  const ew_i32x16 by = ew_i32_and(y, ew_i32_dup(31));
  put_i(to, ew_i32_add(x, y));
  put_i(to, ew_i32_sub(x, y));
  put_i(to, ew_i32_mul(x, y));
  put_i(to, ew_i32_max(x, y));
  put_i(to, ew_i32_min(x, y));
  put_i(to, ew_i32_and(x, y));
  put_i(to, ew_i32_or(x, y));
  put_i(to, ew_i32_xor(x, y));
  put_i(to, ew_i32_shl(x, 5));
  put_i(to, ew_i32_shr(x, 5));
  put_i(to, ew_i32_sra(x, 5));
  put_i(to, ew_i32_shlv(x, by));
  put_i(to, ew_i32_srav(x, by));
  put_i(to, ew_i32_mul_high(x, ew_i32_and(y, ew_i32_dup(INT32_MAX))));
  put_i(to, ew_i32_shift_round(x, by));
  put_m(to, ew_i32_gt(x, y));
  put_m(to, ew_i32_eq(x, y));
  put_i(to, ew_i32_dup(ew_i32_sum(x)));
  put_i(to, ew_i32_load_n(a[4], n));
  put_f(to, ew_f32_of_i32(x));
  ew_i32_store_n(*to, x, n);
  *to += 16;
}

static void vocabulary_narrow(int32_t **to, void **a, int n) {
  const int8_t *bytes = a[7];
  const ew_i32x16 x = ew_i32_load(a[4]), low = ew_i32_sra(x, 20);
  const ew_i32x16 acc = ew_i32_load(a[5]);
  put_i(to, ew_i32_load_s8(bytes));
  put_i(to, ew_i32_load_u8((const uint8_t *)bytes));
  put_i(to, ew_i32_load_s16((const int16_t *)a[7]));
  put_i(to, ew_i32_load_s8_n(bytes, n));
  put_i(to, ew_i32_load_u8_n((const uint8_t *)bytes, n));
  put_i(to, ew_i32_load_s16_n((const int16_t *)a[7], n));
  put_i(to, ew_i32_mac(acc, ew_i32_load_s16((const int16_t *)a[7]),
                       ew_i32_load_mac((const int16_t *)a[7] + 16)));
  put_i(to, ew_dot4(acc, ew_dot_load_x((const uint8_t *)bytes + 64), ew_dot_load_w(bytes)));
  ew_i32_store_s8((int8_t *)*to, low);
  ew_i32_store_u8((uint8_t *)*to + 16, low);
  ew_i32_store_s8_n((int8_t *)*to + 32, low, n);
  ew_i32_store_u8_n((uint8_t *)*to + 48, low, n);
  *to += 16;
  ew_i32_store_s16((int16_t *)*to, ew_i32_sra(x, 12));
  ew_i32_store_s16_n((int16_t *)*to + 16, ew_i32_sra(x, 12), n);
  *to += 16;
}

static void vocabulary(void **a) {
  int32_t *to = a[6];
  const int n = *(const int32_t *)a[8];
  vocabulary_f32(&to, a, n);
  vocabulary_i32(&to, a, n);
  vocabulary_narrow(&to, a, n);
}
