import type { Change, TxnBody } from '@zabra/model';
import type { Flaws } from './one-server.ts';

/** Flaws that a test plants into a server to see that they are found. */
export const FLAWS: Readonly<Record<string, Flaws>> = {
  'set-loses-the-last-byte': {
    txn: (txn) => ({
      ...txn,
      body: changed(txn.body, (change) =>
        change.kind === 'set' ? { ...change, data: change.data.slice(0, -1) } : change,
      ),
    }),
  },
  'no-children-event-of-the-root': {
    applied: (applied) => ({
      ...applied,
      events: applied.events.filter(({ type, path }) => type !== 'children' || path !== '/'),
    }),
  },
  'events-for-everybody': {
    applied: (applied) => ({ ...applied, events: applied.events.map((event) => ({ ...event, acl: [] })) }),
  },
  'writes-without-permission': {
    identities: (identities) => [...identities, { scheme: 'super', id: '' }],
  },
  'ttl-forgotten': {
    txn: (txn) => ({
      ...txn,
      body: changed(txn.body, (change) => (change.kind === 'create' ? { ...change, ttlMs: 0 } : change)),
    }),
  },
  'transaction-loses-its-events': {
    applied: (applied) => {
      const isLone = applied.result.kind === 'done' && applied.result.results.length < 2;
      return isLone ? applied : { ...applied, events: [] };
    },
  },
};

function changed(body: TxnBody, change: (change: Change) => Change): TxnBody {
  return body.kind === 'change' ? { ...body, change: change(body.change) } : body;
}
