import type { Zxid } from '@zabra/model';
import type { Tree } from '@zabra/tree';
import type { ZxidDigest } from './words-source.ts';

/** As often, and as many, as ZooKeeper keeps them: servers that agree show the same lines. */
const EVERY = 128;
const KEPT = 1024;

/** The digests of a server's tree at every 128th zxid of an epoch, so that whoever asks several servers can compare. */
export class DigestLog {
  readonly #digests: ZxidDigest[] = [];

  /** The tree has come to this zxid. */
  applied(zxid: Zxid, tree: Tree): void {
    if (zxid % EVERY !== 0) return;
    this.#digests.push({ zxid, digest: tree.digest() });
    if (this.#digests.length > KEPT) this.#digests.shift();
  }

  [Symbol.iterator](): Iterator<ZxidDigest> {
    return this.#digests[Symbol.iterator]();
  }
}
