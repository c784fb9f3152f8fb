/** The store as its users see it. Answers are undefined and false where the store refused the fencing token. */
export class StoreClient {
  readonly address: string;

  constructor(address: string) {
    this.address = address;
  }

  async read(fencingToken: bigint): Promise<number | undefined> {
    const answer = await this.#ask(fencingToken, { method: 'GET' });
    return answer === undefined ? undefined : Number(answer);
  }

  /** Waits for the answer, however long it takes: a write of which nobody knows whether it happened can't be counted. */
  async write(fencingToken: bigint, number: number): Promise<boolean> {
    const answer = await this.#ask(fencingToken, { method: 'PUT', body: String(number) });
    return answer !== undefined;
  }

  async #ask(fencingToken: bigint, request: RequestInit): Promise<string | undefined> {
    const headers = { 'fencing-token': String(fencingToken) };
    const response = await fetch(this.address, { ...request, headers });
    const text = await response.text();
    if (response.status === 409) return undefined;
    if (!response.ok) throw new Error(`the store answered ${response.status}`);
    return text;
  }
}
