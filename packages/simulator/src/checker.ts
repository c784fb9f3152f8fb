import type { PeerId, Zxid } from '@zabra/model';
import type { Effect, Input } from '@zabra/zab';
import type { WireTap } from './client-env.ts';
import { ExpiryChecker } from './expiry-checker.ts';
import { HistoryChecker } from './history-checker.ts';
import { LockChecker } from './lock-checker.ts';
import { LogChecker } from './log-checker.ts';
import { SessionChecker } from './session-checker.ts';

/** What a running server shows of itself. */
export interface ServerState {
  readonly appliedZxid: Zxid;
  readonly durableZxid: Zxid;
  readonly commitZxid: Zxid;
  readonly digest: string;
}

/**
 * All the rules together. White box: it sees every step of every Zab, every server's state after each event and every
 * frame of every client, and throws {@link Violation} at the first that breaks a rule.
 */
export class Checker {
  readonly history: HistoryChecker;
  readonly logs: LogChecker;
  readonly expiry: ExpiryChecker;
  readonly locks: LockChecker = new LockChecker();
  readonly sessions: SessionChecker;

  /** For the clocks see {@link ExpiryChecker}. */
  constructor(members: readonly PeerId[], clocks: { nowMs: () => number; clockRateMax: number }) {
    this.expiry = new ExpiryChecker(clocks);
    this.history = new HistoryChecker((sessionId) => this.expiry.ended(sessionId), clocks);
    this.logs = new LogChecker(this.history, members);
    this.sessions = new SessionChecker(this.history, this.expiry);
  }

  step(id: PeerId, input: Input, effects: readonly Effect[]): void {
    this.logs.step(id, input, effects);
  }

  crashed(id: PeerId): void {
    this.logs.crashed(id);
  }

  tap(): WireTap {
    return this.sessions.tap();
  }

  /** After an event that reached this server. */
  state(id: PeerId, state: ServerState): void {
    this.logs.applied(id, state.appliedZxid);
    this.history.digest(id, state.appliedZxid, state.digest);
  }
}
