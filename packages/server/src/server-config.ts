import type { PeerId } from '@zabra/model';
import type { Limits, StorageOptions, Timing } from './core/options.ts';

/** What one server is told at start: read once, strictly, and passed in. docs/configuration.md is its reader's side. */
export interface ServerConfig {
  readonly id: PeerId;
  /** Lets an empty data directory be made new for this cluster; see CoreOptions. */
  readonly clusterId: string | undefined;
  /** As written: a relative one starts at the working directory. */
  readonly dataDir: string;
  /** Every server of the ensemble, this one included. */
  readonly members: readonly Member[];
  readonly listen: { readonly client: string; readonly peer: string };
  /** `host:port` that clients are told. */
  readonly advertise: string;
  readonly timing: Timing;
  readonly limits: Limits;
  readonly storage: StorageOptions;
  readonly tls: TlsFiles | undefined;
  /** Peers beyond loopback may come without a certificate. */
  readonly insecurePeers: boolean;
}

export interface Member {
  readonly id: PeerId;
  /** `host:port` where the other servers reach it. */
  readonly peer: string;
  /** `host:port` where clients reach it. */
  readonly client: string;
}

/** PEM files by which peers know each other. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}
