import { createHmac, randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { Identity } from '@zabra/model';
import type { Credentials, Logger, Proved } from './core/env.ts';

/** What the worker is asked. */
interface Question {
  readonly number: number;
  readonly user: string;
  /** A copy, as `whole`: what is posted takes along all of the memory that it is a view of. */
  readonly password: Uint8Array;
  /** `user:password`, where its SHA-1 is wanted too, as in ZooKeeper. */
  readonly whole: Uint8Array | undefined;
}

interface Reply {
  readonly number: number;
  readonly identities: readonly Identity[];
}

type Answer = (proved: Proved) => void;

/** A proof that is being made, and who waits for it: clients of one user often come together. */
interface Proof {
  readonly key: string;
  readonly answers: Answer[];
}

/**
 * Passwords become identities in one worker thread: scrypt takes tens of milliseconds on purpose, in which neither the loop
 * nor libuv's pool (that is, fsync) may stand still. Started at first use. When it dies, what it was asked is answered
 * with `busy`, as is what comes when too much waits, and the next question starts another.
 *
 * The latest proofs are remembered, under a key that is drawn anew in each process: after a server is lost, thousands of
 * clients come to another one with the same few passwords.
 */
export class RealCredentials implements Credentials {
  readonly #log: Logger;
  readonly #startWorker: () => Worker;
  readonly #secret = randomBytes(32);
  /** Least lately used first. */
  readonly #proved = new Map<string, readonly Identity[]>();
  /** By the question's number. */
  readonly #asked = new Map<number, Proof>();
  readonly #askedByKey = new Map<string, Proof>();
  #worker: Worker | undefined;
  #nextNumber = 1;
  #closed = false;

  constructor(log: Logger, startWorker: () => Worker = startRealWorker) {
    this.#log = log;
    this.#startWorker = startWorker;
  }

  prove(scheme: string, credentials: Uint8Array, answer: Answer): void {
    const parts = scheme === 'digest' || scheme === 'scrypt' ? splitCredentials(credentials) : undefined;
    if (parts === undefined) {
      later(answer, []);
      return;
    }
    const key = createHmac('sha256', this.#secret).update(`${scheme} `).update(credentials).digest('base64');
    const proved = this.#recall(key);
    if (proved !== undefined) {
      later(answer, proved);
      return;
    }
    const asked = this.#askedByKey.get(key);
    if (asked !== undefined) {
      asked.answers.push(answer);
      return;
    }
    if (this.#asked.size >= QUESTIONS_MAX || this.#closed) {
      this.#log.warn('a password is not looked at: too many wait', { questionsMax: QUESTIONS_MAX });
      later(answer, 'busy');
      return;
    }
    const proof: Proof = { key, answers: [answer] };
    const number = this.#nextNumber++;
    this.#asked.set(number, proof);
    this.#askedByKey.set(key, proof);
    const whole = scheme === 'digest' ? new Uint8Array(credentials) : undefined;
    const question: Question = { number, ...parts, whole };
    this.#worker ??= this.#start();
    this.#worker.postMessage(question);
  }

  /** Idempotent; what was asked is not answered any more. */
  close(): void {
    this.#closed = true;
    this.#asked.clear();
    this.#askedByKey.clear();
    void this.#worker?.terminate();
    this.#worker = undefined;
  }

  #start(): Worker {
    const worker = this.#startWorker();
    worker.on('message', ({ number, identities }: Reply) => this.#replied(number, identities));
    worker.on('error', (error) => this.#died(worker, error.message));
    worker.on('exit', (code) => this.#died(worker, `exit code ${code}`));
    // A process that is done doesn't live on for it. Last, since to listen takes hold of it again.
    worker.unref();
    return worker;
  }

  #replied(number: number, identities: readonly Identity[]): void {
    const proof = this.#asked.get(number);
    if (proof === undefined) return;
    this.#asked.delete(number);
    this.#askedByKey.delete(proof.key);
    this.#remember(proof.key, identities);
    for (const answer of proof.answers) answer(identities);
  }

  #died(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#log.error('the worker that hashes passwords ended; the next one starts another', { reason });
    const proofs = [...this.#asked.values()];
    this.#asked.clear();
    this.#askedByKey.clear();
    for (const { answers } of proofs) for (const answer of answers) answer('busy');
  }

  #recall(key: string): readonly Identity[] | undefined {
    const proved = this.#proved.get(key);
    if (proved !== undefined) this.#remember(key, proved);
    return proved;
  }

  #remember(key: string, identities: readonly Identity[]): void {
    this.#proved.delete(key);
    this.#proved.set(key, identities);
    if (this.#proved.size <= PROVED_MAX) return;
    for (const oldest of this.#proved.keys()) {
      this.#proved.delete(oldest);
      return;
    }
  }
}

/** Each takes tens of milliseconds: the last of them waits half a minute. */
const QUESTIONS_MAX = 1000;
/** Some 200 bytes each. */
const PROVED_MAX = 10_000;
const CREDENTIALS_BYTES_MAX = 4096;
/** With its hash the name must be an id that an ACL may have; and it goes to the leader with the session. */
const USER_BYTES_MAX = 256;

function later(answer: Answer, proved: Proved): void {
  setImmediate(() => answer(proved));
}

/** `user:password` in UTF-8; the first colon counts, and the user has a name. */
function splitCredentials(credentials: Uint8Array): { user: string; password: Uint8Array } | undefined {
  const colon = credentials.indexOf(COLON);
  if (colon <= 0 || colon > USER_BYTES_MAX || credentials.length > CREDENTIALS_BYTES_MAX) return undefined;
  try {
    const user = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      credentials.subarray(0, colon),
    );
    return { user, password: new Uint8Array(credentials.subarray(colon + 1)) };
  } catch {
    return undefined;
  }
}

const COLON = 0x3a;

function startRealWorker(): Worker {
  // Text, so that it runs from source and from any bundle; without the flags of this process, which may load other code.
  return new Worker(WORKER_SOURCE, { eval: true, execArgv: [] });
}

/** Synchronous on its own thread: the asynchronous ones would take threads of the pool that fsync needs. */
const WORKER_SOURCE = `
'use strict';
const { createHash, scryptSync } = require('node:crypto');
const { parentPort } = require('node:worker_threads');

parentPort.on('message', ({ number, user, password, whole }) => {
  const key = scryptSync(password, 'zabra/1 ' + user, 32, { N: 16384, r: 8, p: 1 });
  const identities = [{ scheme: 'scrypt', id: user + ':' + key.toString('base64') }];
  if (whole !== undefined) {
    const digest = createHash('sha1').update(whole).digest('base64');
    identities.unshift({ scheme: 'digest', id: user + ':' + digest });
  }
  parentPort.postMessage({ number, identities });
});
`;
