/* What a Windows program needs between the system's C library (ucrtbase.dll) and main: with this,
   nothing of MinGW's own has to be built first, which takes a minute. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void __main(void);
void __main(void) {} /* would run the constructors that C does not have */

int fprintf(FILE *file, const char *format, ...) {
  va_list values;
  va_start(values, format);
  const int written = __stdio_common_vfprintf(0, file, format, NULL, values);
  va_end(values);
  return written;
}

int _configure_narrow_argv(int mode);
int main(int count, char **words);

int mainCRTStartup(void);
int mainCRTStartup(void) {
  _configure_narrow_argv(1); /* words apart, wild cards as they are */
  exit(main(*__p___argc(), *__p___argv()));
}
