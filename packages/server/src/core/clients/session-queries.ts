import { type Identity, type Refusal, refusal, type SessionId } from '@zabra/model';
import type { Tree } from '@zabra/tree';
import type { Limits } from '../options.ts';
import type { Query, QueryResult } from './client-codec.ts';
import { answerQuery, watchLeftBy } from './reads.ts';
import type { SessionWatches } from './session-watches.ts';

interface SessionQueriesParts {
  readonly sessionId: SessionId;
  readonly identities: () => readonly Identity[];
  readonly watches: SessionWatches;
  readonly limits: Limits;
}

/** What one session asks, answered: by the tree and, where it asks for watches, with them. */
export class SessionQueries {
  readonly #parts: SessionQueriesParts;

  constructor(parts: SessionQueriesParts) {
    this.#parts = parts;
  }

  answer(query: Query, tree: Tree): QueryResult {
    const { sessionId, identities, watches, limits } = this.#parts;
    if (isWatching(query) && watches.count >= limits.watchesPerSessionMax)
      return { kind: 'refused', refusal: tooManyWatches(watches.count, limits) };
    switch (query.kind) {
      case 'illegal':
        return { kind: 'refused', refusal: query.refusal };
      case 'addWatch': {
        const { watch, fromZxid } = query;
        if (watches.has(watch.id))
          return refused('BAD_ARGUMENTS', `a watch of this session has the number ${watch.id} already`);
        watches.add(watch, fromZxid, tree);
        return { kind: 'watch' };
      }
      case 'removeWatch': {
        const { watch, path, id } = query;
        if (watches.remove(watch, path, id)) return { kind: 'watch' };
        return refused('NO_WATCHER', `this session has no such watch on ${path}`);
      }
      case 'dropWatches': {
        const { path, oneShots, standing, isQuestion } = query;
        // Each of them, not the first that is there.
        const there = [
          ...oneShots.map((kind) => (isQuestion ? watches.holds(kind, path) : watches.remove(kind, path, 0))),
          ...standing.map(({ kind, id }) => (isQuestion ? watches.has(id) : watches.remove(kind, path, id))),
        ];
        if (there.includes(true)) return { kind: 'watch' };
        return refused('NO_WATCHER', `this session has no such watch on ${path}`);
      }
      default: {
        const result = answerQuery(tree, query, { sessionId, identities: identities() }, limits);
        const left = watchLeftBy(query, result);
        if (left !== undefined && 'path' in query) watches.arm(left, query.path);
        return result;
      }
    }
  }
}

export function tooManyWatches(count: number, { watchesPerSessionMax }: Limits): Refusal {
  return refusal(
    'LIMIT',
    `watchesPerSessionMax: a session has at most ${watchesPerSessionMax} watches, this one ${count}; let some go`,
  );
}

function isWatching(query: Query): boolean {
  return query.kind === 'addWatch' || ('watch' in query && query.watch === true);
}

function refused(code: Refusal['code'], message: string): QueryResult {
  return { kind: 'refused', refusal: refusal(code, message) };
}
