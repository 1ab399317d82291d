/* A plugin of qemu that counts the guest's instructions by function.

       -plugin libcount.so,own=PREFIX,mark=NAME,out=FILE

   Two numbers per function: `self`, instructions of its own, and `within`, those that ran from its
   entry until `main` or another function whose name begins with PREFIX went on. Kernels and the
   compiler's routines, whose names do not, count as `within` whoever called them. `mark NUMBER
   COUNT` is how many ran before the NUMBERth call of the function NAME, since the one before it.

   qemu's own header is not installed by Debian: what follows declares version 1 of its interface. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*translated)(qemu_plugin_id_t, struct qemu_plugin_tb *);
typedef void (*executed)(unsigned int vcpu, void *data);
typedef void (*at_exit)(qemu_plugin_id_t, void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, translated);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *, executed, int flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, at_exit, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const char *qemu_plugin_insn_symbol(const struct qemu_plugin_insn *);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *);

#define EXPORT __attribute__((visibility("default")))
EXPORT int qemu_plugin_version = 1;

typedef struct function {
  char *name;
  uint64_t self, within, lowest; /* the lowest address seen is the entry */
  int owns;
  struct function *next;
} function;

typedef struct block {
  function *of;
  uint64_t address, instructions;
} block;

static function *functions, *current;
static char own[128], mark[128], out[1024];
static uint64_t since_mark, *marks;
static size_t mark_count, mark_room;

static function *function_of(const char *name) {
  for (function *f = functions; f; f = f->next)
    if (!strcmp(f->name, name)) return f;
  function *f = calloc(1, sizeof *f);
  f->name = strdup(name);
  f->owns = !strncmp(name, own, strlen(own)) || !strcmp(name, "main");
  f->lowest = UINT64_MAX;
  f->next = functions;
  return functions = f;
}

static void note_mark(void) {
  if (mark_count == mark_room) {
    mark_room = mark_room ? 2 * mark_room : 1024;
    marks = realloc(marks, mark_room * sizeof *marks);
  }
  marks[mark_count++] = since_mark;
  since_mark = 0;
}

static void run_block(unsigned int vcpu, void *data) {
  const block *b = data;
  (void)vcpu;
  if (mark[0] && b->address == b->of->lowest && !strncmp(b->of->name, mark, strlen(mark)))
    note_mark();
  if (b->of->owns || !current) current = b->of;
  b->of->self += b->instructions;
  current->within += b->instructions;
  since_mark += b->instructions;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  const struct qemu_plugin_insn *first = qemu_plugin_tb_get_insn(tb, 0);
  const char *name = qemu_plugin_insn_symbol(first);
  block *b = malloc(sizeof *b);
  (void)id;
  b->of = function_of(name && name[0] ? name : "?");
  b->address = qemu_plugin_insn_vaddr(first);
  b->instructions = qemu_plugin_tb_n_insns(tb);
  if (b->address < b->of->lowest) b->of->lowest = b->address;
  qemu_plugin_register_vcpu_tb_exec_cb(tb, run_block, 0, b);
}

static void report(qemu_plugin_id_t id, void *data) {
  FILE *file = fopen(out, "w");
  (void)id, (void)data;
  if (!file) return;
  for (function *f = functions; f; f = f->next)
    if (f->self || f->within)
      fprintf(file, "function %llu %llu %s\n", (unsigned long long)f->self,
              (unsigned long long)f->within, f->name);
  for (size_t i = 0; i < mark_count; ++i)
    fprintf(file, "mark %zu %llu\n", i, (unsigned long long)marks[i]);
  fclose(file);
}

static void take(char *to, size_t room, const char *argument, const char *key) {
  const size_t length = strlen(key);
  if (!strncmp(argument, key, length)) snprintf(to, room, "%s", argument + length);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv) {
  (void)info;
  for (int i = 0; i < argc; ++i) {
    take(own, sizeof own, argv[i], "own=");
    take(mark, sizeof mark, argv[i], "mark=");
    take(out, sizeof out, argv[i], "out=");
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
  qemu_plugin_register_atexit_cb(id, report, NULL);
  return 0;
}
