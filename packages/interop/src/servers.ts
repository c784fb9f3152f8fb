/** What a program talks to: a real ZooKeeper, or Zabra. The program can't tell which, and its test says it only once. */
export interface Servers extends AsyncDisposable {
  /** `host:port,…`, where ZooKeeper's clients connect. */
  readonly servers: string;
  readonly ids: readonly number[];
  addressOf(id: number): string;
  /** SIGKILL. Resolves to the server's id, once its process is gone. */
  kill(which: number | 'leader'): Promise<number>;
  /** Starts a server that is down, on the data that it left. */
  restart(id: number): Promise<void>;
}
