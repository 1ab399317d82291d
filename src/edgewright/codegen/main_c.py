"""`main.c`: a program that feeds a model from standard input; example and test runner alike."""

from __future__ import annotations

from edgewright.codegen.header import Entry, Tensor
from edgewright.graph import TensorType, upper

_TEXT = """\
/* Runs {name} on standard input, writes the outputs to standard output.

       {command}
       ./{name} weights.bin [--isa N] [--time SECONDS]{option} < inputs > outputs

   Input is, for each run: {layout}.
   Runs until the input ends; prints the number of runs and the CRC32 of all outputs to stderr.
   With --time it then repeats the last run for so long, and prints its median time and the spread
   (half the distance between the quartiles). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
{system}
#include "model.h"{include}

static uint32_t crc32(uint32_t crc, const unsigned char *bytes, size_t count) {{
  crc = ~crc;
  while (count--) {{
    crc ^= *bytes++;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
  }}
  return ~crc;
}}

static void *aligned(size_t bytes) {{
  void *memory = aligned_alloc(64, (bytes + 64) / 64 * 64);
  if (!memory) {{
    fprintf(stderr, "{name}: out of memory\\n");
    exit(3);
  }}
  return memset(memory, 0, (bytes + 64) / 64 * 64);
}}

static void *read_weights(const char *path) {{
  FILE *file = fopen(path, "rb");
  void *weights = aligned({upper}_WEIGHTS_BYTES);
  if (!file || fread(weights, 1, {upper}_WEIGHTS_BYTES, file) != {upper}_WEIGHTS_BYTES) {{
    fprintf(stderr, "{name}: cannot read the weights from %s\\n", path);
    exit(2);
  }}
  fclose(file);
  return weights;
}}

static long long now_ns(void) {{
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  return (long long)now.tv_sec * 1000000000 + now.tv_nsec;
}}

static int by_size(const void *a, const void *b) {{
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}}

/* Each sample is a group of runs, so many that reading the clock is nothing beside it. */
static int time_runs({io} *io, void *arena, const void *weights, const ew_env *env,
                     double seconds) {{
  enum {{ MOST = 1 << 15, GROUP_NS = 30000 }};
  double *times = aligned(MOST * sizeof(double));
  int error = 0, group = 1, count = 0;
  long long start = now_ns(), warm = (long long)(0.2e9 * seconds), runs = 0;
  do {{
    error |= {run}(io, arena, weights, env);
    ++runs;
  }} while (!error && now_ns() - start < warm);
  const double once = (double)(now_ns() - start) / (double)runs;
  const double share = 1e9 * seconds / MOST;
  while (group * once < (share > GROUP_NS ? share : GROUP_NS) && group < 1 << 24) group *= 2;
  const long long end = now_ns() + (long long)(1e9 * seconds);
  do {{
    start = now_ns();
    for (int i = 0; i < group; ++i) error |= {run}(io, arena, weights, env);
    times[count++] = (double)(now_ns() - start) / group;
  }} while (!error && count < MOST && now_ns() < end);
  qsort(times, (size_t)count, sizeof(double), by_size);
  fprintf(stderr, "time: median %.3f us, spread %.3f us, %d runs\\n", 1e-3 * times[count / 2],
          0.5e-3 * (times[count * 3 / 4] - times[count / 4]), count * group);
  return error;
}}

{gauge}int main(int argc, char **argv) {{
  if (argc < 2) {{
    fprintf(stderr, "usage: %s weights.bin [--isa N] [--time S]{option} < inputs > outputs\\n",
            argv[0]);
    return 2;
  }}
{start}  ew_env env = {{.version = EW_INTERFACE_VERSION, .isa = {name}_detect_isa()}};
  double seconds = 0;
{count}  for (int i = 2; i + 1 < argc; i += 2) {{
    if (!strcmp(argv[i], "--isa")) env.isa = atoi(argv[i + 1]);
    if (!strcmp(argv[i], "--time")) seconds = atof(argv[i + 1]);
{choice}  }}
{pool}  const void *weights = read_weights(argv[1]);
  int error = {name}_check_weights(weights, {upper}_WEIGHTS_BYTES);
  void *arena = aligned({upper}_ARENA_BYTES);
{buffers}
  {io} io = {{{fields}}};
{reset}  uint32_t crc = 0;
  int runs = 0;
  while (!error{dims}{reads}) {{
    error = {run}(&io, arena, weights, &env);
{writes}    ++runs;
  }}
  fprintf(stderr, "%d runs, isa %d, crc32 %08x\\n", runs, (int)env.isa, crc);
  if (!error && runs && seconds > 0) error = time_runs(&io, arena, weights, &env, seconds);
{nodes}{end}  if (error) fprintf(stderr, "{name}: error %d\\n", error);
  return error ? 1 : 0;
}}
"""


#: what Windows' C library has instead of aligned_alloc, and what keeps its hands off our bytes
_WINDOWS = """\
#include <fcntl.h>
#include <io.h>
#include <malloc.h>
#define aligned_alloc(alignment, bytes) _aligned_malloc(bytes, alignment)
"""
_WINDOWS_START = """\
  _setmode(_fileno(stdin), _O_BINARY);
  _setmode(_fileno(stdout), _O_BINARY);
"""

#: in instrumented code, which is never shipped; the clock says how fast the counter ticks
_GAUGE = """\
static int time_nodes({io} *io, void *arena, const void *weights, ew_env env, double seconds) {{
  enum {{ NODES = {nodes} }};
  uint64_t *marks = aligned((NODES + 1) * sizeof(uint64_t)), first = 0;
  double *sum = aligned(NODES * sizeof(double)), *best = aligned(NODES * sizeof(double));
  int error = 0, count = 0;
  long long begin = 0, start;
  env.pool = marks;
  do {{
    start = now_ns();
    error = {run}(io, arena, weights, &env);
    if (!count) first = marks[0], begin = start;
    for (int i = 0; i < NODES; ++i) {{
      const double ticks = (double)(marks[i + 1] - marks[i]);
      sum[i] += ticks;
      if (!count || ticks < best[i]) best[i] = ticks;
    }}
    ++count;
  }} while (!error && (count < 2 || start - begin < (long long)(1e9 * seconds)));
  const double ticks = (double)(marks[0] - first) / (1e-3 * (double)(start - begin));
  for (int i = 0; i < NODES && ticks > 0; ++i)
    fprintf(stderr, "node: average %.4f us, best %.4f us\\n", sum[i] / count / ticks,
            best[i] / ticks);
  return error;
}}

"""
_NODES = """\
  if (!error && runs && seconds > 0) error = time_nodes(&io, arena, weights, env, seconds);
"""

#: the pool of threads, in models that were built for some
_POOL = """\
  env.pool = ew_threads_create(threads);
  env.parallel_for = ew_threads_for;
"""
_THREADS = """\
    if (!strcmp(argv[i], "--threads")) threads = atoi(argv[i + 1]);
"""


def main_text(
    name: str,
    entry: Entry,
    has_state: bool,
    command: str,
    *,
    windows: bool = False,
    threads: int = 1,
    marked: int = 0,
) -> str:
    """The file for the first entry point.

    Args:
        name: prefix of the C functions.
        entry: the entry point.
        has_state: whether the model keeps something between runs.
        command: the line that builds the program.
        windows: whether it is for Windows.
        threads: how many the model was built for.
        marked: how many nodes the instrumented code marks, which are then timed one by one.
    """
    pooled = threads > 1
    tensors = [*entry.inputs, *entry.outputs]
    fields = [f".{t.identifier} = {_buffer(t)}" for t in tensors]
    fields += [".state = state"] if has_state else []
    dims = "".join(f" && fread(&io.{s.name}, 4, 1, stdin) == 1" for s in entry.symbols)
    buffers = [f"  {t.type.dtype.c} *{_buffer(t)} = aligned({t.type.max_bytes});" for t in tensors]
    buffers += [f"  void *state = aligned({name.upper()}_STATE_BYTES);"] if has_state else []
    reset = f"  if (!error) error = {name}_reset(state, weights);\n" if has_state else ""
    layout = [f"int32 {s.name}" for s in entry.symbols]
    layout += [f"{t.identifier} ({t.type.dtype.value})" for t in entry.inputs]
    return _TEXT.format(
        name=name,
        upper=name.upper(),
        command=command.replace("model.c", "model.c threads.c -pthread") if pooled else command,
        option=" [--threads N]" if pooled else "",
        include='\n#include "threads.h"' if pooled else "",
        count=f"  int threads = {threads};\n" if pooled else "",
        choice=_THREADS if pooled else "",
        pool=_POOL if pooled else "",
        end="  ew_threads_destroy(env.pool);\n" if pooled else "",
        gauge=_GAUGE.format(io=entry.io, run=entry.function, nodes=marked) if marked else "",
        nodes=_NODES if marked else "",
        system=_WINDOWS if windows else "",
        start=_WINDOWS_START if windows else "",
        layout=", ".join(layout) or "one byte",
        buffers="\n".join(buffers),
        io=entry.io,
        fields=", ".join(fields),
        reset=reset,
        dims=dims,
        reads="".join(_read(t) for t in entry.inputs) or " && getchar() != EOF",
        run=entry.function,
        writes="".join(_write(t) for t in entry.outputs),
    )


def _buffer(tensor: Tensor) -> str:
    return f"buffer_{tensor.identifier}"


def _count(type: TensorType) -> str:
    if type.is_static:
        return str(upper(type.count))
    return "(size_t)" + _dims_text(type)


def _dims_text(type: TensorType) -> str:
    from edgewright.codegen.emitter import size_text

    return size_text(type.count).replace("d_", "io.")


def _read(tensor: Tensor) -> str:
    size = tensor.type.dtype.itemsize
    count = _count(tensor.type)
    return f" &&\n         fread({_buffer(tensor)}, {size}, {count}, stdin) == {count}"


def _write(tensor: Tensor) -> str:
    size = tensor.type.dtype.itemsize
    count, name = _count(tensor.type), _buffer(tensor)
    return (
        f"    crc = crc32(crc, (const unsigned char *){name}, (size_t){count} * {size});\n"
        f"    fwrite({name}, {size}, {count}, stdout);\n"
    )
