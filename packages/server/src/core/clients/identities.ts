import type { Identity } from '@zabra/model';

/** Whom one client has proved to be, from what its transport says on; grows, and holds nobody twice. */
export class Identities {
  readonly #superUsers: readonly Identity[];
  #all: readonly Identity[] = [];

  constructor(fromStream: readonly Identity[], superUsers: readonly Identity[]) {
    this.#superUsers = superUsers;
    this.add(fromStream);
  }

  /** Replaced when it grows, never written into. */
  get all(): readonly Identity[] {
    return this.#all;
  }

  add(proved: readonly Identity[]): void {
    const all = [...this.#all];
    const include = (identity: Identity): void => {
      if (!all.some((known) => isSame(known, identity))) all.push(identity);
    };
    for (const identity of proved) {
      include(identity);
      if (this.#superUsers.some((user) => isSame(user, identity))) include(SUPER);
    }
    this.#all = all;
  }
}

const SUPER: Identity = { scheme: 'super', id: '' };

function isSame(left: Identity, right: Identity): boolean {
  return left.scheme === right.scheme && left.id === right.id;
}
