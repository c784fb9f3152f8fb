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
  readonly listen: ListenConfig;
  /** `host:port` that clients are told. */
  readonly advertise: string;
  readonly timing: Timing;
  readonly limits: Limits;
  readonly storage: StorageOptions;
  readonly access: AccessConfig;
  readonly zookeeper: ZooKeeperConfig;
  /** Serves reads of what is here to clients that agree to it, while there is no quorum. */
  readonly readOnlyMode: boolean;
  /** Between peers. */
  readonly tls: TlsFiles | undefined;
  /** `tls.client` of the file: on the clients' port. */
  readonly clientTls: ClientTlsFiles | undefined;
  /** Peers beyond loopback may come without a certificate. */
  readonly insecurePeers: boolean;
}

/** `host:port` of each port; 0: the system chooses one. */
export interface ListenConfig {
  readonly client: string;
  readonly peer: string;
  /** For clients that speak ZooKeeper's wire; none, one or several. */
  readonly zookeeper: readonly string[];
  /** The same by TLS, with the files of `tls.client`. */
  readonly zookeeperTls: readonly string[];
}

/** Of the ports that speak ZooKeeper's wire. */
export interface ZooKeeperConfig {
  /** The four-letter words that are answered; `*`: all. */
  readonly words: readonly string[];
}

export interface Member {
  readonly id: PeerId;
  /** `host:port` where the other servers reach it. */
  readonly peer: string;
  /** `host:port` where clients reach it. */
  readonly client: string;
  /** `host:port` where clients of ZooKeeper's wire reach it; undefined: as `client`, at port 2181. */
  readonly zookeeper: string | undefined;
}

export interface AccessConfig {
  /** `scheme:id`: who proves to be one of them passes every ACL. */
  readonly superUsers: readonly string[];
}

/** PEM files of the clients' port. */
export interface ClientTlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Signs the certificates by which clients may show who they are; undefined: they are not asked for one. */
  readonly ca: string | undefined;
  /** A client without one is not served. */
  readonly requireClientCertificate: boolean;
}

/** PEM files by which peers know each other. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}
