/* The native method of Program.java: calls the program's main, which the compiler renamed. The model's
   library is loaded by its path, since the virtual machine may have another one of its name. */
#include <dlfcn.h>
#include <stdio.h>

int program(int count, char **words);

/* The one function of JNI's table that is called, at the place that the specification gives it. */
typedef const struct functions *environment;
struct functions {
  void *others[230];
  void *(*buffer_address)(environment *env, void *buffer);
  long long (*buffer_bytes)(environment *env, void *buffer);
};

__attribute__((visibility("default"))) int Java_Program_run(environment *env, void *type,
                                                            void *buffer);
int Java_Program_run(environment *env, void *type, void *buffer) {
  char *text = (*env)->buffer_address(env, buffer), *end = text + (*env)->buffer_bytes(env, buffer);
  char *words[16] = {0};
  int count = 0;
  (void)type;
  for (char *next = text; next < end && count < 15; ++next) {
    words[count++] = next;
    while (*next) ++next;
  }
  if (!dlopen(words[0], RTLD_NOW | RTLD_GLOBAL)) {
    fprintf(stderr, "%s\n", dlerror());
    return 4;
  }
  const int status = program(count, words);
  fflush(NULL);
  return status;
}
