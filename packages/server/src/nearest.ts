/**
 * The candidate that takes the fewest typing mistakes to become `word`; the first one of equals. A candidate counts
 * by its whole and by its `short` form, whichever is nearer: `heartbeatMs` finds `timing.heartbeatMs`.
 */
export function nearest(
  word: string,
  candidates: readonly string[],
  short: (candidate: string) => string,
): string {
  let best = '';
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const distance = Math.min(editDistance(word, candidate), editDistance(word, short(candidate)));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions and replacements between two words, letter case aside (Levenshtein). */
export function editDistance(from: string, to: string): number {
  const source = from.toLowerCase();
  const target = to.toLowerCase();
  let above = Array.from({ length: target.length + 1 }, (_, column) => column);
  for (let row = 1; row <= source.length; row++) {
    const current = [row];
    for (let column = 1; column <= target.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (source[row - 1] === target[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    above = current;
  }
  return above[target.length] ?? 0;
}
