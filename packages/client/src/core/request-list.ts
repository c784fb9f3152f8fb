import { assert } from '@zabra/model';
import type { Request } from './request.ts';

/**
 * Requests in order, linked through the requests themselves: each is in at most one list, and joins and
 * leaves it at no cost, from the middle too.
 */
export class RequestList {
  #first: Request | undefined;
  #last: Request | undefined;
  #length = 0;

  get first(): Request | undefined {
    return this.#first;
  }

  get length(): number {
    return this.#length;
  }

  push(request: Request): void {
    request.previous = this.#last;
    request.next = undefined;
    if (this.#last === undefined) this.#first = request;
    else this.#last.next = request;
    this.#last = request;
    this.#length++;
  }

  /** In front of all. */
  unshift(request: Request): void {
    request.previous = undefined;
    request.next = this.#first;
    if (this.#first === undefined) this.#last = request;
    else this.#first.previous = request;
    this.#first = request;
    this.#length++;
  }

  /** Of this list; the caller knows. */
  remove(request: Request): void {
    const { previous, next } = request;
    assert(previous !== undefined || this.#first === request, 'a request leaves the list that it is in');
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    request.previous = undefined;
    request.next = undefined;
    this.#length--;
  }

  shift(): Request | undefined {
    const request = this.#first;
    if (request !== undefined) this.remove(request);
    return request;
  }

  /** Everything, in order; the list is empty afterwards. */
  takeAll(): readonly Request[] {
    const all: Request[] = [];
    for (let request = this.shift(); request !== undefined; request = this.shift()) all.push(request);
    return all;
  }
}
