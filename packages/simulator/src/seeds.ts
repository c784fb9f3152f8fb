/**
 * Seeds that once broke a rule, kept with what they showed. What a seed draws changes with the simulator, so each is a
 * memory of a flaw rather than its exact replay; the flaw's own test is beside the code that had it.
 */
export const KEPT_SEEDS: readonly { readonly seed: string; readonly showed: string }[] = [
  { seed: '0x5', showed: 'a server that has recovered but not yet taken part shows what it applied' },
  { seed: '0xb', showed: 'a machine that dies during a truncation comes back with the tail' },
  { seed: '0x2d', showed: 'operations on sessions overran the bound of outstanding proposals' },
  { seed: '0x187', showed: 'a leader that catches up refuses writes for a while' },
  {
    seed: '0x203',
    showed: 'sessions that end together are more than an epoch has left, and none of them ends',
  },
];
