import type { SessionId } from '@zabra/model';
import type { Clock } from '../env.ts';
import type { Forwarded } from '../peers/forward-codec.ts';
import type { ClientConnection } from './client-connection.ts';

/** What heartbeats need of the server around them. */
export interface HeartbeatHost {
  readonly serving: boolean;
  request(request: Forwarded): void;
}

/** The last heartbeat of each connection; its acknowledgement stands for those before it. */
type Heard = ReadonlyMap<ClientConnection, number>;

/**
 * The heartbeats of this server's clients. They are gathered and reported to the leader, one report at a time, and
 * acknowledged once it knows of them and is confirmed to lead. A client without a session is answered at once.
 */
export class Heartbeats {
  readonly #clock: Clock;
  readonly #host: HeartbeatHost;
  #heard = new Map<ClientConnection, number>();
  #touching: { readonly number: number; readonly heard: Heard } | undefined;
  #touchNumber = 0;
  #touchedMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, host: HeartbeatHost) {
    this.#clock = clock;
    this.#host = host;
  }

  /** Number 0: the client said something else, which shows that it lives; nobody waits for an acknowledgement. */
  hear(connection: ClientConnection, number: number): void {
    if (connection.isReadOnly) {
      this.#acknowledge(connection, number);
      return;
    }
    if (this.#heard.size === 0) this.#clock.atTurnEnd(() => this.report());
    if (number > 0 || !this.#heard.has(connection)) this.#heard.set(connection, number);
  }

  /** To the leader, what was heard since the last time, if it is time. */
  report(): void {
    const now = this.#clock.monotonicMs();
    if (this.#touching !== undefined || this.#heard.size === 0 || !this.#host.serving) return;
    if (now - this.#touchedMs < TOUCH_GAP_MS) return;
    const heard = this.#heard;
    this.#heard = new Map();
    this.#touchedMs = now;
    this.#touching = { number: ++this.#touchNumber, heard };
    this.#host.request({
      kind: 'touches',
      number: this.#touchNumber,
      sessionIds: Array.from(heard.keys(), (connection) => connection.session.id),
    });
  }

  /** The leader's word on a report; `refused`: sessions that are over or elsewhere. */
  touched(number: number, refused: readonly SessionId[]): void {
    if (this.#touching?.number !== number) return;
    const { heard } = this.#touching;
    this.#touching = undefined;
    const silent = new Set(refused);
    for (const [connection, beat] of heard) {
      if (!silent.has(connection.session.id)) this.#acknowledge(connection, beat);
    }
  }

  /** What is not acknowledged is for the next leader. */
  leaderLost(): void {
    const unconfirmed = [...(this.#touching?.heard ?? []), ...this.#heard];
    this.#heard = new Map(unconfirmed.filter(([connection]) => !connection.ended));
    this.#touching = undefined;
  }

  forget(connection: ClientConnection): void {
    this.#heard.delete(connection);
  }

  #acknowledge(connection: ClientConnection, number: number): void {
    if (number === 0) return;
    connection.say({
      kind: 'heartbeatAck',
      number,
      zxid: connection.bookmark,
      serverTimeMs: this.#clock.wallMs(),
    });
  }
}

/** Heartbeats are gathered so that a leader is not asked to prove itself more often than this. */
const TOUCH_GAP_MS = 20;
