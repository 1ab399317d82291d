/* Ensembles of decision trees. The rules are those of ops/tree_ensemble.py: sums in float32, trees
   in order. */
#ifndef EW_TREES_H
#define EW_TREES_H
#include "math.h"

enum { EW_TREES_SUM, EW_TREES_AVERAGE, EW_TREES_MIN, EW_TREES_MAX };
enum { EW_TREES_NONE, EW_TREES_SOFTMAX, EW_TREES_LOGISTIC, EW_TREES_SOFTMAX_ZERO, EW_TREES_PROBIT };

/* Trees at once: hides how long a branch waits for the one above it. */
enum { EW_TREES_GROUP = 8 };
#if EW_SMALL && __SIZEOF_POINTER__ == 4 && !defined(__wasm__)
#define EW_TREES_LANES 1
#else
#define EW_TREES_LANES 8
#endif

typedef struct ew_tree_node {
  int32_t key;
  uint16_t column, step; /* to the child below; the one above lies behind it */
} ew_tree_node;

/* The trees have one of two forms: `compact` (ops/tree_layout.py), or `branches`. */
typedef struct ew_trees {
  const int32_t *compact; /* of ew_tree_node; or null */
  const int32_t *leaf;    /* of each of these nodes */
  const int32_t *steps;   /* of the deepest of each EW_TREES_GROUP trees */
  const int32_t *branches; /* [branches][4]: bits of the threshold, key, child if true, if false */
  const int32_t *roots;    /* nodes; or children: a branch, or ~leaf */
  /* If `run`: leaves add so many weights each, to targets from leaf_target[tree] on. */
  const int32_t *leaf_begin;
  const int32_t *leaf_target;
  const float *leaf_weight;
  const uint8_t *has; /* if `run`: whether any leaf adds to the target */
  int32_t trees, targets, features, run;
  int32_t nans;    /* what NaN becomes: 1 the greatest key, 2 the least, 3 both */
  int32_t uniform; /* the low part of every branch's key, or -1 */
  int32_t block;   /* rows that scratch has room for */
} ew_trees;

/* --- branches that compare floats ---------------------------------------------------------- */

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

/* The leaf that a sample reaches. */
EW_INLINE int32_t ew_tree_leaf(const ew_trees *t, const float *x, int32_t at) {
  while (at >= 0) {
    const int32_t *n = t->branches + 4 * (ptrdiff_t)at;
    const int32_t key = t->uniform < 0 ? n[1] : t->uniform;
    const int yes = ew_tree_test(x[n[1] >> 4], ew_float_of_bits(n[0]), key);
    at = n[3 - yes];
  }
  return ~at;
}

/* --- compact nodes ------------------------------------------------------------------------- */

/* Integers order as floats do once the negative ones are turned round. */
EW_INLINE int32_t ew_tree_key(float v, int32_t nan) {
  const int32_t bits = ew_bits_of_float(v), size = bits & INT32_MAX;
  return size > 0x7f800000 ? nan : bits < 0 ? -size : size;
}

EW_INLINE int32_t ew_trees_columns(const ew_trees *t) {
  return t->nans == 3 ? 2 * t->features : t->features;
}

EW_INLINE void ew_trees_keys(int32_t *keys, const float *x, const ew_trees *t, int32_t rows) {
  const int32_t n = t->features;
  for (int32_t row = 0; row < rows; ++row, x += n) {
    if (t->nans & 1) {
      for (int32_t k = 0; k < n; ++k) keys[k] = ew_tree_key(x[k], INT32_MAX);
      keys += n;
    }
    if (t->nans & 2) {
      for (int32_t k = 0; k < n; ++k) keys[k] = ew_tree_key(x[k], INT32_MIN);
      keys += n;
    }
  }
}

EW_INLINE int ew_trees_inside(const ew_tree_node *nodes, const int32_t *at) {
  int32_t step = 0;
  EW_UNROLL for (int l = 0; l < EW_TREES_LANES; ++l) step |= nodes[at[l]].step;
  return step != 0;
}

/* Moves each lane down to its leaf, where it stays. Lanes read their keys `stride` apart. */
EW_INLINE void ew_trees_walk(int32_t *at, const ew_tree_node *nodes, const int32_t *keys,
                             int32_t stride, int32_t steps) {
  for (int32_t left = steps; left > 0; left -= 8) {
    if (left < steps && !ew_trees_inside(nodes, at)) return;
    for (int32_t step = 0; step < left && step < 8; ++step) {
      EW_UNROLL for (int l = 0; l < EW_TREES_LANES; ++l) {
        const ew_tree_node *n = nodes + at[l];
        at[l] += n->step + (keys[l * stride + n->column] > n->key);
      }
    }
  }
}

/* --- scores -------------------------------------------------------------------------------- */

EW_INLINE void ew_trees_add(float *score, uint8_t *has, const ew_trees *t, int32_t tree,
                            int32_t leaf, int aggregate) {
  if (t->run > 0) {
    const float *w = t->leaf_weight + (ptrdiff_t)leaf * t->run;
    float *held = score + t->leaf_target[tree];
    for (int32_t k = 0; k < t->run; ++k) held[k] += w[k];
    return;
  }
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

/* EW_TREES_LANES rows through one tree after the other. */
EW_INLINE void ew_trees_rows(float *y, uint8_t *has, const int32_t *keys, const ew_trees *t,
                             int32_t rows, int aggregate) {
  const ew_tree_node *nodes = (const ew_tree_node *)t->compact;
  const int32_t n = t->targets, columns = ew_trees_columns(t);
  for (int32_t i = 0; i < t->trees; ++i) {
    for (int32_t row = 0; row < rows; row += EW_TREES_LANES) {
      int32_t at[EW_TREES_LANES];
      EW_UNROLL for (int l = 0; l < EW_TREES_LANES; ++l) at[l] = t->roots[i];
      ew_trees_walk(at, nodes, keys + row * columns, columns, t->steps[i / EW_TREES_GROUP]);
      EW_UNROLL for (int l = 0; l < EW_TREES_LANES; ++l)
        ew_trees_add(y + (row + l) * n, has + (row + l) * n, t, i, t->leaf[at[l]], aggregate);
    }
  }
}

/* One row through EW_TREES_LANES trees at once. Where every leaf adds to all of a few targets,
   their sums stay in registers. */
EW_INLINE void ew_trees_row(float *y, uint8_t *has, const int32_t *keys, const ew_trees *t,
                            int aggregate) {
  const ew_tree_node *nodes = (const ew_tree_node *)t->compact;
  const int32_t few = t->run == t->targets && t->run <= 16 ? t->run : 0;
  float sum[16] = {0};
  for (int32_t i = 0; i < t->trees; i += EW_TREES_LANES) {
    int32_t at[EW_TREES_LANES];
    EW_UNROLL for (int l = 0; l < EW_TREES_LANES; ++l) at[l] = t->roots[i + l];
    ew_trees_walk(at, nodes, keys, 0, t->steps[i / EW_TREES_GROUP]);
    const int some = ew_min_i32(t->trees - i, EW_TREES_LANES);
    EW_ROLLED for (int l = 0; l < some; ++l) {
      const int32_t leaf = t->leaf[at[l]];
      const float *w = t->leaf_weight + (ptrdiff_t)leaf * few;
      if (!few) ew_trees_add(y, has, t, i + l, leaf, aggregate);
      EW_UNROLL for (int k = 0; k < 16; ++k) if (k < few) sum[k] += w[k];
    }
  }
  for (int32_t k = 0; k < few; ++k) y[k] = sum[k];
}

/* Scores of up to t->block rows; scratch is keys, then has [block][targets], which says whether
   any leaf added to a score. */
EW_INLINE void ew_trees_scores(float *y, uint8_t *has, int32_t *keys, const float *x,
                               const ew_trees *t, int32_t rows, int aggregate) {
  const int32_t n = t->targets, columns = ew_trees_columns(t);
  for (int32_t k = 0; k < rows * n; ++k) y[k] = 0.0f;
  if (t->run == 0)
    for (int32_t k = 0; k < rows * n; ++k) has[k] = 0;
  if (t->compact) {
    const int32_t whole = rows - rows % EW_TREES_LANES;
    ew_trees_keys(keys, x, t, rows);
    if (whole > 0) ew_trees_rows(y, has, keys, t, whole, aggregate);
    for (int32_t row = whole; row < rows; ++row)
      ew_trees_row(y + row * n, has + row * n, keys + row * columns, t, aggregate);
    return;
  }
  for (int32_t row = 0; row < rows; ++row)
    for (int32_t i = 0; i < t->trees; ++i) {
      const int32_t leaf = ew_tree_leaf(t, x + (ptrdiff_t)row * t->features, t->roots[i]);
      ew_trees_add(y + row * n, has + row * n, t, i, leaf, aggregate);
    }
}

/* --- from scores to results ---------------------------------------------------------------- */

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

EW_INLINE void ew_trees_finish(float *y, const uint8_t *has, const ew_trees *t, const float *base,
                               int aggregate, int transform) {
  const int32_t n = t->targets;
  for (int32_t k = 0; k < n; ++k) {
    if (aggregate == EW_TREES_AVERAGE) y[k] = y[k] / (float)t->trees;
    if (base) y[k] += base[k];
    if (n > 1 && !has[k]) y[k] = 0.0f;
  }
  if (n > 1 || transform == EW_TREES_PROBIT) ew_trees_transform(y, n, transform);
}

/* x [rows, features] to y [rows, targets]. */
EW_INLINE void ew_trees_regress(float *y, const float *x, const ew_trees *t, const float *base,
                                void *scratch, int32_t rows, int aggregate, int transform) {
  const int32_t n = t->targets;
  int32_t *const keys = scratch;
  uint8_t *const has = (uint8_t *)(keys + t->block * ew_trees_columns(t));
  for (int32_t row = 0; row < rows; row += t->block) {
    const int32_t some = ew_min_i32(rows - row, t->block);
    ew_trees_scores(y, has, keys, x, t, some, aggregate);
    for (int32_t k = 0; k < some; ++k, y += n)
      ew_trees_finish(y, t->run ? t->has : has + k * n, t, base, aggregate, transform);
    x += (ptrdiff_t)some * t->features;
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

/* The label of one row. */
EW_INLINE int64_t ew_trees_label(float *y, const uint8_t *has, const ew_trees *t, const float *base,
                                 int32_t base_count, const int64_t *labels, const int32_t *rules,
                                 int transform) {
  if (t->targets == 2) {
    const int32_t place = ew_trees_binary(y, base, base_count, has, rules, transform);
    return place < 2 ? labels[place] : place - 2;
  }
  const int64_t label = labels[ew_trees_best(y, t->targets, base, has)];
  ew_trees_transform(y, t->targets, transform);
  return label;
}

/* As ew_trees_regress, with the label of each row. */
EW_INLINE void ew_trees_classify(int64_t *label, float *y, const float *x, const ew_trees *t,
                                 const float *base, int32_t base_count, const int64_t *labels,
                                 const int32_t *rules, void *scratch, int32_t rows, int transform) {
  const int32_t n = t->targets;
  int32_t *const keys = scratch;
  uint8_t *const has = (uint8_t *)(keys + t->block * ew_trees_columns(t));
  for (int32_t row = 0; row < rows; row += t->block) {
    const int32_t some = ew_min_i32(rows - row, t->block);
    ew_trees_scores(y, has, keys, x, t, some, EW_TREES_SUM);
    for (int32_t k = 0; k < some; ++k, y += n)
      label[row + k] = ew_trees_label(y, t->run ? t->has : has + k * n, t, base, base_count,
                                      labels, rules, transform);
    x += (ptrdiff_t)some * t->features;
  }
}

#endif
