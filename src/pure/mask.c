/* SPDX-License-Identifier: MIT
 * What is looked for are needles: a short secret whole, a long one in blocks at such a distance that each of
 * its pieces of PIECE octets holds a whole block. All needles of one length are looked for at once, by a hash
 * of as many octets that rolls over the text (Karp and Rabin). Needles are of few lengths, whose number is
 * what the time grows with, and not that of the secrets. Needles of secrets of FOLDED_MIN octets and more are
 * in lower case, and those of codes their digits alone. */
#include "mask.h"

#include <stdlib.h>

#include "mask_view.h"

enum {
  PIECE = 16, /* octets of a long secret that are found by themselves */
  BLOCK = 12,
  STRIDE = PIECE - BLOCK + 1,
  FIRST_BUCKETS = 64,
  FOLDED_MIN = 8,  /* octets of a secret that is found in any case */
  TOKENS_MAX = 16, /* parts of a link that are secrets by themselves */
  DIGITS_MAX = 64, /* of a code */
  RETIRED_MAX = 1024,
  SMALL = 256,       /* octets of a view that need no allocation */
  DEPTH = 2,         /* encodings around each other */
  WORK_MAX = 1 << 20 /* octets of all views of one text */
};

/* How a needle is compared with a view. */
enum kind {
  EXACT,
  FOLDED, /* case aside */
  DIGITS  /* with a view that shows digits, from the beginning of one run to the end of another */
};

static const uint64_t base = 0x9e3779b97f4a7c15u, mixer = 0xd6e8feb86659fd93u;

struct needle {
  struct needle *next, **link; /* in its bucket */
  uint64_t hash;
  const unsigned char *p;
  size_t n;
  struct ls_mask_secret *of;
};

struct ls_mask_secret {
  struct ls_mask_secret *next; /* in its group, or among the retired */
  enum kind kind;
  size_t n;
  size_t pieces_from; /* from here on pieces are found too; n: none */
  size_t needle_count;
  unsigned char *octets; /* behind the needles */
  struct needle needles[];
};

struct length {
  enum kind kind;
  size_t n;
  size_t count;   /* needles of it */
  uint64_t power; /* base to n - 1 */
};

struct ls_mask {
  struct needle **buckets;
  size_t bucket_count; /* 0, or a power of two */
  size_t needle_count;
  struct length *lengths;
  size_t length_count, length_cap;
  struct ls_mask_secret *always; /* in no group */
  struct ls_mask_secret *oldest, *newest;
  size_t retired;
  bool blind; /* a secret could not be kept */
};

struct ls_mask *ls_mask_new(void) {
  return calloc(1, sizeof(struct ls_mask));
}

/* An octet of a view as needles of that kind have it. */
static unsigned char octet_of(enum kind kind, unsigned char c) {
  return kind == FOLDED ? (unsigned char)ls_ascii_lower((char)c) : kind == DIGITS ? c & ~LS_MASK_RUN : c;
}

static uint64_t hash_of(enum kind kind, const unsigned char *p, size_t n) {
  uint64_t h = 0;
  for (size_t i = 0; i < n; i++)
    h = h * base + octet_of(kind, p[i]);
  return h;
}

static size_t bucket_of(const struct ls_mask *m, uint64_t hash) {
  return (size_t)((hash * mixer) >> 32) & (m->bucket_count - 1);
}

static void put_needle(struct ls_mask *m, struct needle *d) {
  d->link = &m->buckets[bucket_of(m, d->hash)];
  d->next = *d->link;
  if (d->next)
    d->next->link = &d->next;
  *d->link = d;
}

/* Makes room for more needles, with no more than two in a bucket on average. */
static bool make_room(struct ls_mask *m, size_t more) {
  size_t count = m->bucket_count ? m->bucket_count : FIRST_BUCKETS, old_count = m->bucket_count;
  while (count < (m->needle_count + more) / 2)
    count *= 2;
  if (count == old_count)
    return true;
  struct needle **old = m->buckets, **buckets = calloc(count, sizeof *buckets);
  if (!buckets)
    return false;
  m->buckets = buckets;
  m->bucket_count = count;
  for (size_t i = 0; i < old_count; i++)
    for (struct needle *d = old[i], *next; d; d = next) {
      next = d->next;
      put_needle(m, d);
    }
  free(old);
  return true;
}

static struct length *length_of(struct ls_mask *m, enum kind kind, size_t n) {
  for (size_t i = 0; i < m->length_count; i++)
    if (m->lengths[i].n == n && m->lengths[i].kind == kind)
      return &m->lengths[i];
  return NULL;
}

static struct length *add_length(struct ls_mask *m, enum kind kind, size_t n) {
  struct length *l = length_of(m, kind, n);
  if (l)
    return l;
  if (m->length_count == m->length_cap) {
    size_t cap = m->length_cap ? m->length_cap * 2 : 8;
    struct length *more = realloc(m->lengths, cap * sizeof *more);
    if (!more)
      return NULL;
    m->lengths = more;
    m->length_cap = cap;
  }
  l = &m->lengths[m->length_count++];
  *l = (struct length){.kind = kind, .n = n, .power = 1};
  for (size_t i = 1; i < n; i++)
    l->power *= base;
  return l;
}

static void add_needle(struct ls_mask *m, struct ls_mask_secret *s, size_t at, size_t n) {
  struct needle *d = &s->needles[s->needle_count++];
  *d = (struct needle){.p = s->octets + at, .n = n, .of = s, .hash = hash_of(EXACT, s->octets + at, n)};
  put_needle(m, d);
  m->needle_count++;
  length_of(m, s->kind, n)->count++;
}

static void drop_secret(struct ls_mask *m, struct ls_mask_secret *s) {
  m->needle_count -= s->needle_count;
  for (size_t i = 0; i < s->needle_count; i++) {
    struct needle *d = &s->needles[i];
    *d->link = d->next;
    if (d->next)
      d->next->link = d->link;
    struct length *l = length_of(m, s->kind, d->n);
    if (--l->count == 0)
      *l = m->lengths[--m->length_count];
  }
  ls_wipe(s->octets, s->n);
  free(s);
}

static void drop_list(struct ls_mask *m, struct ls_mask_secret *s) {
  for (struct ls_mask_secret *next; s; s = next) {
    next = s->next;
    drop_secret(m, s);
  }
}

/* Secrets whose group was never retired go with whoever holds the group: their client frees both. */
void ls_mask_free(struct ls_mask *m) {
  if (!m)
    return;
  drop_list(m, m->always);
  drop_list(m, m->oldest);
  for (size_t i = 0; i < m->bucket_count; i++)
    while (m->buckets[i])
      drop_secret(m, m->buckets[i]->of);
  free(m->buckets);
  free(m->lengths);
  free(m);
}

/* Where the path of a link begins; 0: this is no link. */
static size_t path_of(struct ls_span s) {
  for (size_t i = 1; i + 2 < s.n; i++)
    if (memcmp(s.p + i, "://", 3) == 0) {
      size_t path = i + 3;
      while (path < s.n && !strchr("/?#", s.p[path]))
        path++;
      return path;
    }
  return 0;
}

static struct ls_span trim(struct ls_span s) {
  static const char spaces[] = " \t\r\n\v\f";
  while (s.n && s.p[0] && strchr(spaces, s.p[0]))
    s = ls_span(s.p + 1, s.n - 1);
  while (s.n && s.p[s.n - 1] && strchr(spaces, s.p[s.n - 1]))
    s.n--;
  return s;
}

static size_t blocks_in(size_t n) {
  return n > PIECE ? (n - BLOCK) / STRIDE + 1 : 0;
}

static struct ls_mask_secret *new_secret(struct ls_mask *m, enum kind kind, struct ls_span value, size_t from,
                                         bool whole) {
  struct ls_mask_secret *s = NULL;
  size_t blocks = kind == DIGITS ? 0 : blocks_in(value.n - from);
  if (make_room(m, blocks + 1) && add_length(m, kind, BLOCK) && add_length(m, kind, value.n))
    s = malloc(sizeof *s + (blocks + 1) * sizeof *s->needles + value.n);
  if (!s)
    return NULL;
  *s = (struct ls_mask_secret){.kind = kind, .n = value.n, .pieces_from = blocks ? from : value.n};
  s->octets = (unsigned char *)&s->needles[blocks + 1];
  for (size_t i = 0; i < value.n; i++)
    s->octets[i] = octet_of(kind, (unsigned char)value.p[i]);
  if (whole)
    add_needle(m, s, 0, value.n);
  for (size_t i = 0; i < blocks; i++)
    add_needle(m, s, from + i * STRIDE, BLOCK);
  return s;
}

/* Lengths that no needle has, after a secret could not be kept or had no need of them. */
static void drop_empty_lengths(struct ls_mask *m) {
  for (size_t i = m->length_count; i > 0; i--)
    if (m->lengths[i - 1].count == 0)
      m->lengths[i - 1] = m->lengths[--m->length_count];
}

static void keep(struct ls_mask *m, struct ls_mask_secret **list, enum kind kind, struct ls_span value,
                 size_t from, bool whole) {
  struct ls_mask_secret *s = value.n < WORK_MAX ? new_secret(m, kind, value, from, whole) : NULL;
  drop_empty_lengths(m);
  if (!s) {
    m->blind = true;
    return;
  }
  s->next = *list;
  *list = s;
}

/* The digits of a code, which has nothing but separators besides. */
static void keep_digits(struct ls_mask *m, struct ls_mask_secret **list, struct ls_span value) {
  const unsigned char *p = (const unsigned char *)value.p;
  char digits[DIGITS_MAX];
  size_t count = 0;
  for (size_t i = 0, n; i < value.n; i += n) {
    int digit = ls_mask_digit_at(p, value.n, i, &n);
    if (digit < 0 && (n = ls_mask_separator_at(p, value.n, i)) == 0)
      return;
    if (digit >= 0 && count == DIGITS_MAX)
      return;
    if (digit >= 0)
      digits[count++] = (char)('0' + digit);
  }
  if (count >= LS_MASK_MIN)
    keep(m, list, DIGITS, ls_span(digits, count), 0, true);
  ls_wipe(digits, sizeof digits);
}

/* Whether a part of a link is no word: a server may say "verify-email" without knowing the link. */
static bool is_token(struct ls_span part) {
  for (size_t i = 0; i < part.n; i++)
    if (ls_ascii_is_digit(part.p[i]) || (part.p[i] >= 'A' && part.p[i] <= 'Z'))
      return true;
  return false;
}

/* Parts of a link's path, query and fragment that are shorter than the pieces which are found of a long
 * secret: those that are no words, and whatever they are the values of the query and the last part. */
static void keep_tokens(struct ls_mask *m, struct ls_mask_secret **list, struct ls_span value, size_t path) {
  size_t count = 0;
  for (size_t at = path, end; at < value.n; at = end + 1) {
    for (end = at; end < value.n && !strchr("/?#&=;", value.p[end]);)
      end++;
    struct ls_span part = ls_span_sub(value, at, end);
    bool sure = (at > path && value.p[at - 1] == '=') || end + 1 >= value.n;
    if (part.n >= FOLDED_MIN && part.n <= PIECE && (sure || is_token(part)) && count++ < TOKENS_MAX)
      keep(m, list, FOLDED, part, 0, true);
  }
}

void ls_mask_add(struct ls_mask *m, struct ls_mask_secret **group, struct ls_span value) {
  value = trim(value);
  if (!m || value.n < LS_MASK_MIN)
    return;
  struct ls_mask_secret **list = group ? group : &m->always;
  size_t path = path_of(value);
  keep(m, list, value.n >= FOLDED_MIN ? FOLDED : EXACT, value, path, path || value.n <= PIECE);
  keep_digits(m, list, value);
  if (path)
    keep_tokens(m, list, value, path);
}

void ls_mask_retire(struct ls_mask *m, struct ls_mask_secret **group) {
  struct ls_mask_secret *s = *group;
  *group = NULL;
  while (m && s) {
    struct ls_mask_secret *next = s->next;
    s->next = NULL;
    if (m->newest)
      m->newest->next = s;
    else
      m->oldest = s;
    m->newest = s;
    s = next;
    if (++m->retired <= RETIRED_MAX)
      continue;
    struct ls_mask_secret *gone = m->oldest;
    m->oldest = gone->next;
    m->retired--;
    drop_secret(m, gone);
  }
}

/* One text under the mask. */
struct work {
  const struct ls_mask *m;
  char *p;
  size_t n;
  unsigned char *hits; /* for each octet of the text: 1: it is part of a secret; NULL: none is so far */
  size_t budget;
  size_t shortest;
  bool failed;
};

static void hit(struct work *w, size_t from, size_t to) {
  if (!w->hits)
    w->hits = calloc(w->n, 1);
  if (w->hits)
    memset(w->hits + from, 1, to - from);
  else
    w->failed = true;
}

/* Notes the needle that was found at `at`, with what there is more of its secret on both sides. Answers where
 * that ends. */
static size_t take(struct work *w, const struct ls_mask_view *v, const struct needle *d, size_t at) {
  const struct ls_mask_secret *s = d->of;
  size_t first = at, end = at + d->n;
  if (s->pieces_from < s->n) {
    const unsigned char *left = d->p, *right = d->p + d->n;
    while (first > 0 && left > s->octets + s->pieces_from && octet_of(s->kind, v->p[first - 1]) == left[-1]) {
      first--;
      left--;
    }
    while (end < v->n && right < s->octets + s->n && octet_of(s->kind, v->p[end]) == *right) {
      end++;
      right++;
    }
  }
  hit(w, v->from[first], v->to[end - 1]);
  return end;
}

static bool is_at(const struct needle *d, const unsigned char *p) {
  for (size_t i = 0; i < d->n; i++)
    if (octet_of(d->of->kind, p[i]) != d->p[i])
      return false;
  return true;
}

/* Whether the digits there are whole runs: of a longer number they are no code. */
static bool is_apart(const struct ls_mask_view *v, size_t at, size_t end) {
  return (v->p[at] & LS_MASK_RUN) && (end == v->n || !v->p[end] || (v->p[end] & LS_MASK_RUN));
}

static const struct needle *find(const struct ls_mask *m, const struct ls_mask_view *v,
                                 const struct length *l, uint64_t hash, size_t at) {
  if (l->kind == DIGITS && !is_apart(v, at, at + l->n))
    return NULL;
  for (const struct needle *d = m->buckets[bucket_of(m, hash)]; d; d = d->next)
    if (d->hash == hash && d->n == l->n && d->of->kind == l->kind && is_at(d, v->p + at))
      return d;
  return NULL;
}

static void search_length(struct work *w, const struct ls_mask_view *v, const struct length *l) {
  size_t at = 0;
  uint64_t h = hash_of(l->kind, v->p, l->n);
  for (;;) {
    const struct needle *d = find(w->m, v, l, h, at);
    size_t end = d ? take(w, v, d, at) : 0;
    if (end > at + l->n) { /* it went on: what begins within it may still end behind it */
      at = end - l->n;
      h = hash_of(l->kind, v->p + at, l->n);
    }
    if (at + l->n >= v->n)
      return;
    h = (h - octet_of(l->kind, v->p[at]) * l->power) * base + octet_of(l->kind, v->p[at + l->n]);
    at++;
  }
}

static void search(struct work *w, const struct ls_mask_view *v, bool digits) {
  for (size_t i = 0; i < w->m->length_count; i++)
    if ((w->m->lengths[i].kind == DIGITS) == digits && w->m->lengths[i].n <= v->n)
      search_length(w, v, &w->m->lengths[i]);
}

static void look(struct work *w, const struct ls_mask_view *v, int depth);

static void look_decoded(struct work *w, const struct ls_mask_view *v, size_t decoder, int depth) {
  unsigned char small_p[SMALL];
  uint32_t small_places[2 * SMALL];
  bool small = v->n <= SMALL;
  struct ls_mask_view out = {.p = small ? small_p : malloc(v->n),
                             .from = small ? small_places : malloc(2 * v->n * sizeof *out.from)};
  out.to = out.from ? out.from + v->n : NULL;
  bool found = out.p && out.from && ls_mask_decode(decoder, v, &out);
  w->failed = w->failed || !out.p || !out.from;
  if (found && ls_mask_shows_digits(decoder))
    search(w, &out, true);
  else if (found)
    look(w, &out, depth + 1);
  if (out.p)
    ls_wipe(out.p, out.n);
  if (!small) {
    free(out.p);
    free(out.from);
  }
}

static void look(struct work *w, const struct ls_mask_view *v, int depth) {
  if (v->n > w->budget)
    w->failed = true;
  if (w->failed || v->n < w->shortest)
    return;
  w->budget -= v->n;
  search(w, v, false);
  struct ls_mask_signs signs = ls_mask_signs(v->p, v->n);
  for (size_t i = 0; depth < DEPTH && i < LS_MASK_DECODERS; i++)
    if ((depth == 0 || !ls_mask_is_outermost(i)) && ls_mask_decoder_applies(i, &signs, w->shortest))
      look_decoded(w, v, i, depth);
}

/* Each octet of the text stands for itself. */
static void look_plain(struct work *w) {
  uint32_t small_places[2 * SMALL];
  bool small = w->n <= SMALL;
  uint32_t *places = small ? small_places : w->n <= WORK_MAX ? malloc(2 * w->n * sizeof *places) : NULL;
  if (!places) {
    w->failed = true;
    return;
  }
  for (size_t i = 0; i < w->n; i++) {
    places[i] = (uint32_t)i;
    places[w->n + i] = (uint32_t)i + 1;
  }
  struct ls_mask_view v = {.p = (unsigned char *)w->p, .from = places, .to = places + w->n, .n = w->n};
  look(w, &v, 0);
  if (!small)
    free(places);
}

/* What may be told of words that could not be searched: the code of a reply. */
static size_t withhold(char *p, size_t n) {
  size_t kept = 0;
  while (kept < n && kept < 3 && ls_ascii_is_digit(p[kept]))
    kept++;
  if (kept < 3)
    kept = 0;
  if (n - kept >= 4) {
    memcpy(p + kept, kept ? " ***" : "***", kept ? 4 : 3);
    kept += kept ? 4 : 3;
  }
  return kept;
}

static size_t replace(char *p, size_t n, const unsigned char *hits) {
  size_t kept = 0;
  for (size_t i = 0; i < n;) {
    if (!hits[i]) {
      p[kept++] = p[i++];
      continue;
    }
    while (i < n && hits[i])
      i++;
    memcpy(p + kept, "***", 3);
    kept += 3;
  }
  return kept;
}

size_t ls_mask_apply(const struct ls_mask *m, char *p, size_t n) {
  struct work w = {.m = m, .p = p, .n = n, .budget = WORK_MAX, .shortest = SIZE_MAX};
  if (!m || n == 0)
    return n;
  for (size_t i = 0; i < m->length_count; i++)
    w.shortest = m->lengths[i].n < w.shortest ? m->lengths[i].n : w.shortest;
  if (!m->blind && n >= w.shortest)
    look_plain(&w);
  if (m->blind || w.failed)
    n = withhold(p, n);
  else if (w.hits)
    n = replace(p, n, w.hits);
  free(w.hits);
  return n;
}

void ls_mask_buf(const struct ls_mask *m, struct ls_buf *b) {
  if (b->n)
    b->n = ls_mask_apply(m, b->p, b->n);
}

static bool starts_with(const struct ls_mask_secret *s, const char *p, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (octet_of(s->kind, (unsigned char)p[i]) != s->octets[i])
      return false;
  return true;
}

static size_t tail_of(const struct ls_mask_secret *s, const char *p, size_t n) {
  size_t most = s->n - 1 < n ? s->n - 1 : n;
  for (size_t k = most; k >= LS_MASK_MIN; k--)
    if (starts_with(s, p + n - k, k))
      return k;
  return 0;
}

size_t ls_mask_apply_tail(const struct ls_mask *m, char *p, size_t n) {
  static const char stars[] = "***";
  size_t most = 0;
  for (size_t i = 0; m && i < m->bucket_count; i++)
    for (const struct needle *d = m->buckets[i]; d; d = d->next) {
      size_t k = d == d->of->needles ? tail_of(d->of, p, n) : 0;
      most = k > most ? k : most;
    }
  if (!most)
    return n;
  memcpy(p + n - most, stars, sizeof stars - 1);
  return n - most + sizeof stars - 1;
}
