import type { Identity, WriteOperation } from '@zabra/model';
import type { ServerEntry } from '@zabra/proto';
import type { Query } from '../../src/core/clients/client-codec.ts';
import { addAuthEntry, attachEntry, readEntry, rearmEntry, writeEntry } from '../model/client-words.ts';
import type { OneClient, OneServer } from '../model/one-server.ts';

type Held = Parameters<typeof rearmEntry>[0];

/** A client with a session that asks one thing after the other and hears the whole of what comes back. */
export class Asker {
  readonly #server: OneServer;
  readonly #address: readonly Identity[];
  readonly #password: string | undefined;
  #stream: OneClient;
  readonly #session: { readonly id: number; readonly secret: Uint8Array };
  #xid = 0;
  #requestNo = 0;
  #attempt = 1;

  constructor(server: OneServer, address: string, password?: string) {
    this.#server = server;
    this.#address = [{ scheme: 'ip', id: address }];
    this.#password = password;
    this.#stream = server.connect(this.#address);
    this.#stream.say(attachEntry({ nonce: address }));
    server.deliver();
    const [attached] = this.#stream.hear();
    if (attached?.kind !== 'attached') throw new Error(`no session: ${JSON.stringify(attached)}`);
    this.#session = { id: attached.attached.sessionId, secret: attached.attached.password };
    this.#prove();
  }

  get sessionId(): number {
    return this.#session.id;
  }

  /** All frames since the last call, undecoded. */
  bytes(): Uint8Array {
    return Buffer.concat(this.#stream.frames);
  }

  hear(): readonly ServerEntry[] {
    return this.#stream.hear();
  }

  say(asked: WriteOperation | Query): void {
    const xid = ++this.#xid;
    if (isWrite(asked)) {
      const requestNo = ++this.#requestNo;
      this.#stream.say(writeEntry(xid, requestNo, requestNo - 1, asked));
      this.#server.deliver();
    } else {
      this.#stream.say(readEntry(xid, asked));
    }
  }

  /** Comes back after its stream was lost, with these watches and all up to `fromZxid` told. */
  comeBack(held: Held, fromZxid: number): void {
    this.#stream = this.#server.connect(this.#address);
    const { id: sessionId, secret: password } = this.#session;
    this.#stream.say(
      attachEntry({ sessionId, password, nonce: this.#address[0]?.id ?? '', attempt: ++this.#attempt }),
    );
    this.#prove();
    this.#stream.say(rearmEntry(held, fromZxid));
  }

  lose(): void {
    this.#stream.lose();
  }

  #prove(): void {
    if (this.#password !== undefined) this.#stream.say(addAuthEntry(++this.#xid, 'digest', this.#password));
    this.#stream.hear();
  }
}

const WRITES: ReadonlySet<string> = new Set([
  'create',
  'set',
  'delete',
  'setAcl',
  'touch',
  'deleteTree',
  'transaction',
]);

function isWrite(asked: WriteOperation | Query): asked is WriteOperation {
  return WRITES.has(asked.kind);
}
