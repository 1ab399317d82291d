/* What runs before main on a Cortex-M: the vector table, memory, the FPU. No interrupt is used. */
#include <stddef.h>
#include <stdint.h>

/* Defined by board.ld. */
extern uint32_t board_stack_top[], board_data_load[], board_data_start[], board_data_end[],
    board_bss_start[], board_bss_end[];

int main(void);
void reset(void);
void board_fault(void);

/* Where a fault ends up, a stack that is too small among them; replace it by what suits the board. */
__attribute__((weak)) void board_fault(void) {
  for (;;) {
  }
}

__attribute__((noreturn)) void reset(void) {
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20; /* CPACR: the FPU and vectors are off at reset */
  __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
  const uint32_t *from = board_data_load;
  for (uint32_t *to = board_data_start; to < board_data_end; ++to) *to = *from++;
  for (uint32_t *to = board_bss_start; to < board_bss_end; ++to) *to = 0;
  main();
  for (;;) {
  }
}

__attribute__((section(".vectors"), used)) const void *const board_vectors[16] = {
    board_stack_top,
    (const void *)reset,
    [2 ... 7] = (const void *)board_fault, /* NMI, hard, memory, bus, usage, secure fault */
    [11] = (const void *)board_fault,
    [14 ... 15] = (const void *)board_fault,
};
