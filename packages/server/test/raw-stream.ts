import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  credentials,
  type StatusObject,
} from '@grpc/grpc-js';
import {
  type Attached,
  type ClientEntry,
  clientService,
  decodeServerFrame,
  electService,
  encodeClientFrame,
  type FrameStream,
  followService,
  type ServerEntry,
} from '@zabra/proto';

const PATIENCE_MS = 20_000;

/** A stream to a server that says whatever a test wants, well-formed or not. */
export class RawStream implements Disposable {
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Uint8Array, Uint8Array>;
  readonly #frames: Uint8Array[] = [];
  #status: StatusObject | undefined;
  #changed: () => void = () => {};

  constructor(
    address: string,
    method: FrameStream,
    channel: ChannelCredentials = credentials.createInsecure(),
  ) {
    this.#client = new Client(address, channel, {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
      'grpc.max_send_message_length': -1,
      'grpc.max_receive_message_length': -1,
    });
    this.#call = this.#client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
    );
    this.#call.on('error', () => undefined);
    this.#call.on('status', (status: StatusObject) => {
      this.#status = status;
      this.#changed();
    });
  }

  /** In plain text unless `channel` says otherwise. */
  static toClients(address: string, channel?: ChannelCredentials): RawClient {
    return new RawClient(address, clientService.Session, channel);
  }

  static toPeers(address: string, service: 'elect' | 'follow'): RawStream {
    return new RawStream(address, service === 'elect' ? electService.Notify : followService.Follow).read();
  }

  /** Until then nothing that the server says is taken. */
  read(): this {
    this.#call.on('data', (frame: Uint8Array) => {
      this.#frames.push(frame);
      this.#changed();
    });
    return this;
  }

  send(frame: Uint8Array): void {
    this.#call.write(frame);
  }

  /** The next frame. */
  async frame(): Promise<Uint8Array> {
    await this.#until('a frame', () => this.#frames.length > 0);
    const frame = this.#frames.shift();
    if (frame === undefined) throw new Error('a frame is there');
    return frame;
  }

  /** How the server ended the stream. */
  async status(): Promise<StatusObject> {
    await this.#until('the end of the stream', () => this.#status !== undefined);
    if (this.#status === undefined) throw new Error('the stream ended');
    return this.#status;
  }

  [Symbol.dispose](): void {
    this.#call.cancel();
    this.#client.close();
  }

  async #until(what: string, is: () => boolean): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!is()) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`waited ${PATIENCE_MS} ms for ${what}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** A client that speaks frames. */
export class RawClient extends RawStream {
  readonly #entries: ServerEntry[] = [];

  say(...entries: readonly ClientEntry[]): void {
    this.send(encodeClientFrame({ entries }));
  }

  /** The next word of the server. */
  async hear(): Promise<ServerEntry> {
    for (;;) {
      const entry = this.#entries.shift();
      if (entry !== undefined) return entry;
      this.#entries.push(...decodeServerFrame(await this.frame()).entries);
    }
  }

  /** Skips what comes before it. */
  async hearGoodbye(): Promise<Extract<ServerEntry, { kind: 'goodbye' }>['goodbye']> {
    for (;;) {
      const entry = await this.hear();
      if (entry.kind === 'goodbye') return entry.goodbye;
    }
  }

  async attach(terms: Partial<Parameters<typeof attachEntry>[0]> = {}): Promise<Attached> {
    this.say(attachEntry(terms));
    const entry = await this.hear();
    if (entry.kind !== 'attached') throw new Error(`the server said ${JSON.stringify(entry)}`);
    return entry.attached;
  }
}

/** Asks for a new session unless `terms` says otherwise. */
export function attachEntry(
  terms: Partial<Extract<ClientEntry, { kind: 'attach' }>['attach']>,
): Extract<ClientEntry, { kind: 'attach' }> {
  return {
    kind: 'attach',
    attach: {
      protocolMin: 1,
      protocolMax: 1,
      features: 0,
      sessionId: 0,
      password: new Uint8Array(0),
      nonce: 'a-client',
      timeoutMs: 10_000,
      lastZxid: 0,
      clusterId: '',
      attempt: 1,
      readOnly: false,
      ...terms,
    },
  };
}
