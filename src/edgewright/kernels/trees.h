/* Ensembles of decision trees. The rules are those of ops/tree_ensemble.py: sums in float32, trees
   in order. */
#ifndef EW_TREES_H
#define EW_TREES_H
#include "math.h"

enum { EW_TREES_SUM, EW_TREES_AVERAGE, EW_TREES_MIN, EW_TREES_MAX };
enum { EW_TREES_NONE, EW_TREES_SOFTMAX, EW_TREES_LOGISTIC, EW_TREES_SOFTMAX_ZERO, EW_TREES_PROBIT };

typedef struct ew_trees {
  const int32_t *nodes; /* [branches][4]: bits of the threshold, key, child if true, if false */
  const int32_t *roots; /* a child is a branch, or ~leaf */
  const int32_t *leaf_begin;
  const int32_t *leaf_target;
  const float *leaf_weight;
  int32_t trees, targets;
} ew_trees;

/* key = feature * 16 + (NaN is true) * 8 + comparison */
EW_INLINE int ew_tree_test(float v, float threshold, int32_t key) {
  int yes;
  switch (key & 7) {
    case 0: yes = v <= threshold; break;
    case 1: yes = v < threshold; break;
    case 2: yes = v >= threshold; break;
    case 3: yes = v > threshold; break;
    case 4: yes = v == threshold; break;
    default: yes = v != threshold; break;
  }
  return (key & 8) && v != v ? 1 : yes;
}

/* The leaf that a sample reaches; `uniform` is the low part of every key, or -1. */
EW_INLINE int32_t ew_tree_leaf(const int32_t *nodes, const float *x, int32_t at, int32_t uniform) {
  while (at >= 0) {
    const int32_t *n = nodes + 4 * (ptrdiff_t)at;
    const int32_t key = uniform < 0 ? n[1] : uniform;
    const int yes = ew_tree_test(x[n[1] >> 4], ew_float_of_bits(n[0]), key);
    at = n[3 - yes];
  }
  return ~at;
}

/* Score of one sample and target; `has` says whether any leaf added to it. */
EW_INLINE void ew_trees_score(const ew_trees *t, const float *x, float *score, uint8_t *has,
                              int aggregate, int32_t uniform) {
  for (int32_t k = 0; k < t->targets; ++k) score[k] = 0.0f, has[k] = 0;
  for (int32_t i = 0; i < t->trees; ++i) {
    const int32_t leaf = ew_tree_leaf(t->nodes, x, t->roots[i], uniform);
    for (int32_t k = t->leaf_begin[leaf]; k < t->leaf_begin[leaf + 1]; ++k) {
      const int32_t target = t->leaf_target[k];
      const float w = t->leaf_weight[k], held = score[target];
      const int better = aggregate == EW_TREES_MIN ? w < held : w > held;
      if (aggregate == EW_TREES_SUM || aggregate == EW_TREES_AVERAGE)
        score[target] = held + w;
      else if (!has[target] || better)
        score[target] = w;
      has[target] = 1;
    }
  }
}

/* The inverse of the normal distribution by Winitzki's approximation; v + r and r - v lose digits
   for opposite signs of v. */
EW_INLINE ew_f32x16 ew_f32_probit(ew_f32x16 p) {
  const ew_f32x16 one = ew_f32_dup(1.0f), y = ew_f32_sub(ew_f32_add(p, p), one);
  const ew_f32x16 l = ew_f32_log(ew_f32_mul(ew_f32_sub(one, y), ew_f32_add(one, y)));
  const ew_f32x16 v = ew_f32_add(ew_f32_dup(4.33075094f), ew_f32_mul(ew_f32_dup(0.5f), l));
  const ew_f32x16 w = ew_f32_mul(ew_f32_dup(-6.80272102f), l);
  const ew_f32x16 r = ew_f32_sqrt(ew_f32_add(ew_f32_square(v), w));
  const ew_mask16 far = ew_f32_lt(v, ew_f32_dup(0.0f));
  const ew_f32x16 u = ew_f32_select(far, ew_f32_sub(r, v), ew_f32_div(w, ew_f32_add(r, v)));
  const ew_f32x16 size = ew_f32_mul(ew_f32_dup(1.41421354f), ew_f32_sqrt(u));
  return ew_f32_select(ew_f32_lt(y, ew_f32_dup(0.0f)), ew_f32_neg(size), size);
}

/* exp(y - top) and its sum; zeros are left out of it for softmax_zero. */
EW_KERNEL void ew_trees_softmax(float *y, int32_t n, int skip_zeros) {
  float top = y[0], sum = 0.0f;
  for (int32_t k = 1; k < n; ++k) top = y[k] > top ? y[k] : top;
  for (int32_t k = 0; k < n; k += 16) {
    const int count = n - k < 16 ? n - k : 16;
    const ew_f32x16 v = ew_f32_load_n(y + k, count), shift = ew_f32_dup(top);
    const ew_f32x16 grown = ew_f32_exp(ew_f32_sub(v, shift));
    const ew_mask16 near = ew_f32_le(ew_f32_abs(v), ew_f32_dup(skip_zeros ? 1e-7f : -1.0f));
    float parts[16];
    ew_f32_store(parts, ew_f32_select(near, ew_f32_dup(0.0f), grown));
    for (int l = 0; l < count; ++l) sum += parts[l];
    const ew_f32x16 tiny = ew_f32_mul(v, ew_f32_exp(ew_f32_neg(shift)));
    ew_f32_store_n(y + k, ew_f32_select(near, tiny, grown), count);
  }
  for (int32_t k = 0; k < n; ++k) y[k] = y[k] / sum;
}

EW_KERNEL void ew_trees_transform(float *y, int32_t n, int transform) {
  if (transform == EW_TREES_SOFTMAX || transform == EW_TREES_SOFTMAX_ZERO) {
    ew_trees_softmax(y, n, transform == EW_TREES_SOFTMAX_ZERO);
    return;
  }
  if (transform == EW_TREES_NONE) return;
  for (int32_t k = 0; k < n; k += 16) {
    const int count = n - k < 16 ? n - k : 16;
    const ew_f32x16 v = ew_f32_load_n(y + k, count);
    const int probit = transform == EW_TREES_PROBIT;
    ew_f32_store_n(y + k, probit ? ew_f32_probit(v) : ew_f32_sigmoid(v), count);
  }
}

/* x [rows, features] to y [rows, targets]; `has` is scratch of one byte per target. */
EW_INLINE void ew_trees_regress(float *y, const float *x, const ew_trees *t, const float *base,
                                uint8_t *has, int32_t rows, int32_t features, int aggregate,
                                int transform, int32_t uniform) {
  const int32_t n = t->targets;
  for (int32_t row = 0; row < rows; ++row, x += features, y += n) {
    ew_trees_score(t, x, y, has, aggregate, uniform);
    for (int32_t k = 0; k < n; ++k) {
      if (aggregate == EW_TREES_AVERAGE) y[k] = y[k] / (float)t->trees;
      if (base) y[k] += base[k];
      if (n > 1 && !has[k]) y[k] = 0.0f;
    }
    if (n > 1 || transform == EW_TREES_PROBIT) ew_trees_transform(y, n, transform);
  }
}

/* Adds base values, and returns the place of the largest score that any leaf added to. */
EW_INLINE int32_t ew_trees_best(float *y, int32_t n, const float *base, const uint8_t *has) {
  int32_t best = -1;
  for (int32_t k = 0; k < n; ++k) {
    if (base)
      y[k] += base[k];
    else if (!has[k])
      y[k] = 0.0f;
    if ((base || has[k]) && (best < 0 || y[k] > y[best])) best = k;
  }
  return best < 0 ? 0 : best;
}

/* One row of two classes: writes y and returns the place of the label, or 2 for the number 0 and
   3 for the number 1. `rules` is (single, positive). */
EW_INLINE int32_t ew_trees_binary(float *y, const float *base, int32_t base_count,
                                  const uint8_t *has, const int32_t *rules, int transform) {
  float first = y[0], second = y[1];
  if (base_count == 2 && has[1]) {
    second = base[1] + first;
    first = -second;
  } else if (base_count > 0) {
    first = first + base[0];
    second = second + (base_count == 2 ? base[1] : 0.0f);
  }
  const float decides = has[1] ? second : has[0] ? first : 0.0f;
  const int above = decides > (rules[0] && rules[1] ? 0.5f : 0.0f);
  y[0] = has[0] ? first : 0.0f;
  y[1] = has[1] ? second : 0.0f;
  if (has[1] || base_count == 2) {
    ew_trees_transform(y, 2, transform);
  } else if (transform == EW_TREES_PROBIT) {
    ew_trees_transform(y, 1, transform);
  } else if (base_count == 0 || rules[0]) {
    const float one = y[0];
    y[1] = one;
    y[0] = rules[0] && rules[1] && transform != EW_TREES_LOGISTIC ? 1.0f - one : -one;
    if (transform == EW_TREES_LOGISTIC) ew_trees_transform(y, 2, transform);
  }
  return rules[0] ? above : 2 + above;
}

/* As ew_trees_regress, with the label of each row. */
EW_INLINE void ew_trees_classify(int64_t *label, float *y, const float *x, const ew_trees *t,
                                 const float *base, int32_t base_count, const int64_t *labels,
                                 const int32_t *rules, uint8_t *has, int32_t rows, int32_t features,
                                 int transform, int32_t uniform) {
  const int32_t n = t->targets;
  for (int32_t row = 0; row < rows; ++row, x += features, y += n) {
    ew_trees_score(t, x, y, has, EW_TREES_SUM, uniform);
    if (n == 2) {
      const int32_t place = ew_trees_binary(y, base, base_count, has, rules, transform);
      label[row] = place < 2 ? labels[place] : place - 2;
    } else {
      label[row] = labels[ew_trees_best(y, n, base, has)];
      ew_trees_transform(y, n, transform);
    }
  }
}

#endif
