import { createHash } from 'node:crypto';
import {
  ACL_OPEN,
  type Acl,
  counterOf,
  type Identity,
  makeZxid,
  type Request,
  type WriteOperation,
  type Zxid,
} from '@zabra/model';
import type { ClientEntry, ClientRequest } from '@zabra/proto';
import { Tree } from '@zabra/tree';
import { type ClientBackend, ClientService } from '../src/core/clients/client-service.ts';
import type { Env } from '../src/core/env.ts';
import { type CoreOptions, DEFAULT_LIMITS, DEFAULT_TIMING, type Limits } from '../src/core/options.ts';
import type { Forwarded } from '../src/core/peers/forward-codec.ts';
import { FakeStream } from './fake-stream.ts';
import { attachEntry } from './raw-stream.ts';
import { coreOptions } from './storage-world.ts';

/**
 * The clients' rooms of a server on a tree of its own, without disk, peers and network: what they ask of a leader is done at
 * once while `serving`, and kept in `asked`. Time goes by `pass`; what is put off to the end of a turn, by `turn`.
 */
export class ClientWorld implements ClientBackend {
  readonly tree: Tree = Tree.empty();
  readonly clusterId = 'orchard';
  readonly epoch = 1;
  serving = true;
  readonly asked: Forwarded[] = [];
  /** Sessions that the leader has confirmed, while its word is on its way; undefined: it arrives at once. */
  underWay: (() => void)[] | undefined;
  readonly clients: ClientService;
  /** Those who prove themselves, in the order in which they came; the test answers. */
  readonly proofs: { readonly scheme: string; readonly answer: (proved: readonly Identity[]) => void }[] = [];
  /** What a look at the clock takes: a server that is very slow. */
  lookMs = 0;
  #nowMs = 1000;
  #works: (() => void)[] = [];
  #identities: readonly Identity[] = [];
  #drawn = 0;

  constructor(options: Partial<CoreOptions> & { readonly limit?: Partial<Limits> } = {}) {
    const { limit, ...core } = options;
    // A server that has a history.
    this.tree.applyNothing(makeZxid(1, 0));
    this.clients = new ClientService(
      this.#env(),
      coreOptions({}, { ...core, limits: { ...DEFAULT_LIMITS, ...limit } }),
      this,
    );
  }

  request(request: Forwarded): void {
    if (!this.serving) return;
    this.asked.push(request);
    this.lead(request);
  }

  readIndex(answer: (zxid: Zxid | undefined) => void): void {
    answer(this.serving ? this.tree.appliedZxid : undefined);
  }

  /** What a leader does with a request. */
  lead(request: Forwarded): void {
    switch (request.kind) {
      case 'createSession':
        this.#identities = request.identities;
        this.#change({ kind: 'session', operation: request });
        return;
      case 'attach':
        this.#identities = request.identities;
        this.#answer(() =>
          this.clients.answered({ ...request, kind: 'attached', zxid: this.tree.appliedZxid }),
        );
        return;
      case 'identities':
        this.#identities = request.identities;
        return;
      case 'closeSession':
        this.#change({ kind: 'session', operation: request });
        return;
      case 'touches':
        this.clients.answered({ kind: 'touched', number: request.number, refused: [] });
        return;
      case 'write':
        this.#change(request);
        return;
    }
  }

  /** A change of somebody else. */
  change(...operations: readonly WriteOperation[]): void {
    for (const operation of operations) {
      this.#change(
        {
          kind: 'write',
          sessionId: 1,
          nonce: 'another',
          requestNo: this.#nextOther(),
          answeredThrough: this.#otherNo - 1,
          operation,
        },
        SUPER,
      );
    }
  }

  create(path: string, acl: readonly Acl[] = ACL_OPEN, data = ''): void {
    this.change({
      kind: 'create',
      path,
      data: new TextEncoder().encode(data),
      mode: 'persistent',
      acl,
      ttlMs: 0,
    });
  }

  /** Lets the client in; what it is greeted with is the first of `said`. */
  attach(terms: Parameters<typeof attachEntry>[0] = {}, address?: string): FakeStream {
    const stream = new FakeStream(address);
    this.clients.accept(stream);
    stream.hear(attachEntry({ nonce: `client ${++this.#drawn}`, ...terms }));
    this.turn();
    return stream;
  }

  /** The leader comes or goes. */
  setServing(serving: boolean): void {
    this.serving = serving;
    this.clients.servingChanged();
    this.turn();
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    this.clients.tick();
    this.turn();
  }

  /** Ends the turn; true when something was put off. */
  turn(): boolean {
    const isBusy = this.#works.length > 0;
    while (this.step());
    return isBusy;
  }

  /** Does what was put off to the end of this turn, but not what that puts off in turn. */
  step(): boolean {
    const works = this.#works;
    this.#works = [];
    for (const work of works) work();
    return works.length > 0;
  }

  #answer(arrive: () => void): void {
    if (this.underWay === undefined) arrive();
    else this.underWay.push(arrive);
  }

  #otherNo = 0;
  #nextOther(): number {
    if (this.#otherNo === 0) {
      this.#change({
        kind: 'session',
        operation: {
          kind: 'createSession',
          sessionId: 1,
          timeoutMs: 4000,
          passwordHash: new Uint8Array(32),
          nonce: 'another',
        },
      });
    }
    return ++this.#otherNo;
  }

  #change(request: Request, identities: readonly Identity[] = this.#identities): void {
    const { tree, clients } = this;
    const nextZxid = makeZxid(1, counterOf(tree.appliedZxid) + 1);
    const prepared = tree.prepare(request, { wallMs: this.#nowMs, nextZxid, identities });
    if (prepared.kind === 'txn') {
      clients.applied(prepared.txn, tree.apply(nextZxid, prepared.txn));
      clients.batchApplied();
    } else if (request.kind === 'write') {
      const { sessionId, requestNo } = request;
      clients.answered({ ...prepared, sessionId, requestNo });
    }
  }

  #env(): Env {
    const silent = (): void => {};
    const unused = (): never => {
      throw new Error('no client needs it');
    };
    return {
      clock: {
        monotonicMs: () => {
          this.#nowMs += this.lookMs;
          return this.#nowMs;
        },
        wallMs: () => this.#nowMs,
        after: unused,
        atTurnEnd: (work) => this.#works.push(work),
      },
      random: {
        bytes: (count) => new Uint8Array(count).fill(++this.#drawn),
        sha256: (data) => createHash('sha256').update(data).digest(),
      },
      credentials: {
        prove: (scheme, _, answer) => this.proofs.push({ scheme, answer }),
      },
      disk: { list: unused, open: unused, rename: unused, remove: unused, syncDirectory: unused },
      peers: { dial: unused, accept: unused },
      clients: { accept: unused },
      log: { debug: silent, info: silent, warn: silent, error: silent },
      fatal: (error) => {
        throw error;
      },
    };
  }
}

const SUPER: readonly Identity[] = [{ scheme: 'super', id: '' }];

/** Above it a server without a leader serves reads to those who want no more. */
export const LEADERLESS_MS: number = DEFAULT_TIMING.silenceMs + 1;

type Asked = ClientRequest extends infer Request
  ? Request extends ClientRequest
    ? Omit<Request, 'xid' | 'requestNo' | 'answeredThrough' | 'minZxid' | 'linearizable'>
    : never
  : never;

/** A request as a client sends it; `terms`: what it says besides the question. */
export function requestEntry(
  xid: number,
  asked: Asked,
  terms: Partial<Pick<ClientRequest, 'requestNo' | 'minZxid' | 'linearizable'>> = {},
): ClientEntry {
  const request = {
    xid,
    requestNo: 0,
    answeredThrough: 0,
    minZxid: 0,
    linearizable: false,
    ...terms,
    ...asked,
  };
  return { kind: 'request', request: request as ClientRequest };
}
