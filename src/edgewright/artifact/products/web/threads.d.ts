  /** How many calls run at once. */
  readonly threads: number;
