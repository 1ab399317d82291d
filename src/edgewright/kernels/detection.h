/* From box encodings and class scores to detections: decoding and non-maximum suppression. The
   rules are those of ops/detection_post_process.py, down to the last bit.

   Candidates come off a heap, best first, and each is compared with the boxes that were taken
   before it: few boxes are decoded, and few scores are sorted. */
#ifndef EW_DETECTION_H
#define EW_DETECTION_H
#include "simd.h"

enum { EW_DETECTION_F32, EW_DETECTION_U8, EW_DETECTION_S8 };

typedef struct ew_detection_input {
  const void *data;
  int32_t kind, step; /* step: elements per box */
  const float *quant; /* scale, zero point */
} ew_detection_input;

typedef struct ew_detection_candidate {
  float score;
  int32_t box;
} ew_detection_candidate;

typedef struct ew_detection {
  ew_detection_input encodings, scores;
  const float *anchors; /* [boxes][4]: y, x, height, width */
  const float *scale;   /* of y, x, height, width */
  const float *least;   /* score, and the overlap that is too much */
  int32_t boxes, classes;
  int32_t first;   /* column of class 0: 1 behind a background class */
  int32_t most;    /* detections */
  int32_t repeats; /* places of each detection: its best classes */
} ew_detection;

typedef struct ew_detection_results {
  float *boxes, *classes, *scores, *count;
} ew_detection_results;

EW_INLINE float ew_detection_real(const ew_detection_input *x, int32_t code) {
  return ((float)code - x->quant[1]) * x->quant[0];
}

EW_INLINE float ew_detection_read(const ew_detection_input *x, int32_t box, int32_t column) {
  const ptrdiff_t at = (ptrdiff_t)box * x->step + column;
  if (x->kind == EW_DETECTION_F32) return ((const float *)x->data)[at];
  if (x->kind == EW_DETECTION_U8) return ew_detection_real(x, ((const uint8_t *)x->data)[at]);
  return ew_detection_real(x, ((const int8_t *)x->data)[at]);
}

/* --- boxes --------------------------------------------------------------------------------- */

/* e^x by products and sums alone, so that it is the same everywhere. */
EW_INLINE float ew_detection_exp(float x) {
  static const float c[] = {0.000199166941f, 0.00139462214f, 0.00833326764f,
                            0.0416662693f,   0.166666672f,   0.5f};
  if (x != x) return x;
  const float v = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x;
  const float k = v * 1.44269504f + 12582912.0f - 12582912.0f;
  const float r = (v - k * 0.693359375f) - k * -2.12194440e-4f;
  float tail = c[0];
  for (int i = 1; i < 6; ++i) tail = tail * r + c[i];
  const int32_t whole = (int32_t)k, half = whole >> 1;
  const float first = ew_float_of_bits((half + 127) << 23);
  const float second = ew_float_of_bits((whole - half + 127) << 23);
  return (1.0f + (r + r * r * tail)) * first * second;
}

/* ymin, xmin, ymax, xmax of one box. */
EW_KERNEL void ew_detection_decode(float *box, const ew_detection *t, int32_t at) {
  const float *anchor = t->anchors + 4 * (ptrdiff_t)at;
  for (int k = 0; k < 2; ++k) {
    const float shift = ew_detection_read(&t->encodings, at, k) / t->scale[k];
    const float size = ew_detection_read(&t->encodings, at, 2 + k) / t->scale[2 + k];
    const float centre = shift * anchor[2 + k] + anchor[k];
    const float half = 0.5f * ew_detection_exp(size) * anchor[2 + k];
    box[k] = centre - half;
    box[2 + k] = centre + half;
  }
}

EW_INLINE float ew_detection_side(const float *a, const float *b, int k) {
  const float low = a[k] < b[k] ? b[k] : a[k], high = b[2 + k] < a[2 + k] ? b[2 + k] : a[2 + k];
  const float side = high - low;
  return side < 0.0f ? 0.0f : side;
}

/* What two boxes share, in parts of what they cover. */
EW_INLINE float ew_detection_overlap(const float *a, const float *b) {
  const float first = (a[2] - a[0]) * (a[3] - a[1]), second = (b[2] - b[0]) * (b[3] - b[1]);
  if (first <= 0.0f || second <= 0.0f) return 0.0f;
  const float both = ew_detection_side(a, b, 0) * ew_detection_side(a, b, 1);
  return both / (first + second - both);
}

EW_INLINE int ew_detection_is_new(const float *box, const float *taken, int32_t count,
                                  int32_t stride, float most) {
  for (int32_t i = 0; i < count; ++i)
    if (ew_detection_overlap(taken + i * stride, box) > most) return 0;
  return 1;
}

/* --- candidates, the best first ------------------------------------------------------------ */

EW_INLINE int ew_detection_before(ew_detection_candidate a, ew_detection_candidate b) {
  return a.score > b.score || (a.score == b.score && a.box < b.box);
}

EW_INLINE void ew_detection_sift(ew_detection_candidate *heap, int32_t count, int32_t at) {
  const ew_detection_candidate moved = heap[at];
  for (int32_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
    if (child + 1 < count && ew_detection_before(heap[child + 1], heap[child])) ++child;
    if (!ew_detection_before(heap[child], moved)) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = moved;
}

EW_KERNEL void ew_detection_order(ew_detection_candidate *heap, int32_t count) {
  for (int32_t at = count / 2; at-- > 0;) ew_detection_sift(heap, count, at);
}

EW_KERNEL int32_t ew_detection_pop(ew_detection_candidate *heap, int32_t *count) {
  const int32_t box = heap[0].box;
  heap[0] = heap[--*count];
  if (*count > 1) ew_detection_sift(heap, *count, 0);
  return box;
}

/* --- scores -------------------------------------------------------------------------------- */

EW_INLINE float ew_detection_top_f32(const float *x, int32_t n) {
  float top = -EW_INFINITY;
  ew_f32x16 best = ew_f32_dup(top);
  int32_t k = 0;
  for (; k + 16 <= n; k += 16) {
    const ew_f32x16 v = ew_f32_load(x + k);
    best = ew_f32_select(ew_f32_lt(best, v), v, best); /* NaN never wins */
  }
  if (n >= 16) top = ew_f32_top(best);
  for (; k < n; ++k) top = x[k] > top ? x[k] : top;
  return top;
}

/* The best score of a box over all classes. */
EW_INLINE float ew_detection_top(const ew_detection *t, int32_t box) {
  const ew_detection_input *in = &t->scores;
  const ptrdiff_t at = (ptrdiff_t)box * in->step + t->first;
  if (in->kind == EW_DETECTION_F32)
    return ew_detection_top_f32((const float *)in->data + at, t->classes);
  if (in->kind == EW_DETECTION_U8) {
    const uint8_t *x = (const uint8_t *)in->data + at;
    uint8_t top = 0;
    for (int32_t k = 0; k < t->classes; ++k) top = x[k] > top ? x[k] : top;
    return ew_detection_real(in, top);
  }
  const int8_t *x = (const int8_t *)in->data + at;
  int8_t top = INT8_MIN;
  for (int32_t k = 0; k < t->classes; ++k) top = x[k] > top ? x[k] : top;
  return ew_detection_real(in, top);
}

/* NaN as the least score. */
EW_INLINE float ew_detection_score(const ew_detection *t, int32_t box, int32_t k) {
  const float score = ew_detection_read(&t->scores, box, t->first + k);
  return score != score ? -EW_INFINITY : score;
}

/* --- detections ---------------------------------------------------------------------------- */

EW_INLINE void ew_detection_clear(const ew_detection_results *y, const ew_detection *t) {
  const int32_t places = t->most * t->repeats;
  for (int32_t k = 0; k < 4 * places; ++k) y->boxes[k] = 0.0f;
  for (int32_t k = 0; k < places; ++k) y->classes[k] = 0.0f, y->scores[k] = 0.0f;
}

/* A box with its best classes, the first of equals first. */
EW_INLINE void ew_detection_take(const ew_detection_results *y, const ew_detection *t,
                                 const float *box, int32_t at, int32_t place) {
  float held = EW_INFINITY;
  int32_t last = -1;
  for (int32_t k = 0; k < t->repeats && k < t->classes; ++k, ++place) {
    float best = -EW_INFINITY;
    int32_t found = -1;
    for (int32_t c = 0; c < t->classes; ++c) {
      const float score = ew_detection_score(t, at, c);
      const int is_after = score < held || (score == held && c > last);
      if (is_after && (found < 0 || score > best)) best = score, found = c;
    }
    __builtin_memcpy(y->boxes + 4 * place, box, 4 * sizeof(float));
    y->classes[place] = (float)found;
    y->scores[place] = best;
    held = best, last = found;
  }
}

/* Boxes suppress each other whatever their class; by their best one. */
EW_INLINE void ew_detection_fast(float *boxes, float *classes, float *scores, float *count,
                                 const ew_detection *t, void *scratch) {
  const ew_detection_results y = {boxes, classes, scores, count};
  ew_detection_candidate *heap = scratch;
  int32_t left = 0, found = 0;
  for (int32_t at = 0; at < t->boxes; ++at) {
    const float top = ew_detection_top(t, at);
    if (top >= t->least[0]) heap[left++] = (ew_detection_candidate){top, at};
  }
  ew_detection_clear(&y, t);
  ew_detection_order(heap, left);
  while (left > 0 && found < t->most) {
    float box[4];
    const int32_t at = ew_detection_pop(heap, &left), place = found * t->repeats;
    ew_detection_decode(box, t, at);
    if (!ew_detection_is_new(box, boxes, found, 4 * t->repeats, t->least[1])) continue;
    ew_detection_take(&y, t, box, at, place);
    ++found;
  }
  *count = (float)found;
}

/* Puts a detection behind those that are as good; the last one falls out of a full list. */
EW_INLINE void ew_detection_insert(const ew_detection_results *y, const ew_detection *t,
                                   int32_t *found, const float *box, float score, int32_t class) {
  int32_t place = *found < t->most ? (*found)++ : t->most - 1;
  for (; place > 0 && y->scores[place - 1] < score; --place) {
    __builtin_memcpy(y->boxes + 4 * place, y->boxes + 4 * (place - 1), 4 * sizeof(float));
    y->classes[place] = y->classes[place - 1];
    y->scores[place] = y->scores[place - 1];
  }
  __builtin_memcpy(y->boxes + 4 * place, box, 4 * sizeof(float));
  y->classes[place] = (float)class;
  y->scores[place] = score;
}

/* Boxes of one class, of which those that are worse than a full list do not matter. */
EW_INLINE int32_t ew_detection_class(const ew_detection_results *y, const ew_detection *t,
                                     int32_t class, int32_t found, int32_t per_class,
                                     ew_detection_candidate *heap, float *taken) {
  int32_t left = 0, own = 0;
  for (int32_t at = 0; at < t->boxes; ++at) {
    const float score = ew_detection_score(t, at, class);
    const int matters = found < t->most || score > y->scores[t->most - 1];
    if (score >= t->least[0] && matters) heap[left++] = (ew_detection_candidate){score, at};
  }
  ew_detection_order(heap, left);
  while (left > 0 && own < per_class) {
    const float score = heap[0].score;
    if (found == t->most && score <= y->scores[t->most - 1]) break;
    float *box = taken + 4 * own;
    ew_detection_decode(box, t, ew_detection_pop(heap, &left));
    if (!ew_detection_is_new(box, taken, own, 4, t->least[1])) continue;
    ew_detection_insert(y, t, &found, box, score, class);
    ++own;
  }
  return found;
}

/* Boxes suppress those of their own class. Scratch: candidates, then per_class boxes. */
EW_INLINE void ew_detection_regular(float *boxes, float *classes, float *scores, float *count,
                                    const ew_detection *t, int32_t per_class, void *scratch) {
  const ew_detection_results y = {boxes, classes, scores, count};
  ew_detection_candidate *heap = scratch;
  float *taken = (float *)(heap + t->boxes);
  int32_t found = 0;
  ew_detection_clear(&y, t);
  for (int32_t k = 0; k < t->classes; ++k)
    found = ew_detection_class(&y, t, k, found, per_class, heap, taken);
  *count = (float)found;
}

#endif
