/* What runs before main on a bare RISC-V core: the stack, memory. No interrupt is used. */
#include <stddef.h>
#include <stdint.h>

/* Defined by board.ld. */
extern uint32_t board_data_load[], board_data_start[], board_data_end[], board_bss_start[],
    board_bss_end[];

int main(void);
void board_start(void);
void board_fault(void);

__asm__(
    ".section .vectors,\"ax\",@progbits\n"
    ".globl reset\n"
    "reset:\n"
    "  .option push\n"
    "  .option norvc\n"
    "  la sp, board_stack_top\n"
    "  la t0, board_fault\n"
    "  .word 0x30529073\n" /* csrw mtvec, t0, which some assemblers want an extension for */
    "  j board_start\n"
    "  .option pop\n"
    ".text\n");

/* Where a trap ends up; replace it by what suits the board. */
__attribute__((weak, aligned(4))) void board_fault(void) {
  for (;;) {
  }
}

__attribute__((noreturn, used)) void board_start(void) {
  const uint32_t *from = board_data_load;
  for (uint32_t *to = board_data_start; to < board_data_end; ++to) *to = *from++;
  for (uint32_t *to = board_bss_start; to < board_bss_end; ++to) *to = 0;
  main();
  for (;;) {
  }
}
