import { hexadecimal, lines } from './word-text.ts';
import type { WordsSource } from './words-source.ts';

/** Of all kinds of watches; ZooKeeper's leaves those on children out. */
export function watchSummary(source: WordsSource): string {
  const paths = new Set<string>();
  let watchers = 0;
  let watches = 0;
  for (const watched of source.watchedPaths()) {
    const before = watches;
    for (const path of watched.paths) {
      watches++;
      paths.add(path);
    }
    if (watches > before) watchers++;
  }
  return lines([`${watchers} connections watching ${paths.size} paths`, `Total watches:${watches}`]);
}

/** Each session with the paths that it watches. */
export function watchesBySession(source: WordsSource): string {
  const texts: string[] = [];
  for (const { sessionId, paths } of source.watchedPaths()) {
    const distinct = [...new Set(paths)];
    if (distinct.length > 0) texts.push(hexadecimal(sessionId), ...distinct.map((path) => `\t${path}`));
  }
  return lines(texts);
}

/** Each path with the sessions that watch it. */
export function watchesByPath(source: WordsSource): string {
  const watchers = new Map<string, Set<number>>();
  for (const { sessionId, paths } of source.watchedPaths()) {
    for (const path of paths) {
      const sessions = watchers.get(path);
      if (sessions === undefined) watchers.set(path, new Set([sessionId]));
      else sessions.add(sessionId);
    }
  }
  return lines(
    [...watchers].flatMap(([path, sessions]) => [path, ...[...sessions].map((id) => `\t${hexadecimal(id)}`)]),
  );
}
