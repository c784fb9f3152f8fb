import { assert, joinPath, nameOf } from '@zabra/model';
import { NO_SLOT, type Slot } from './node-records.ts';
import { type NodeStore, ROOT } from './node-store.ts';

/** Takes a node and answers whether it wants more at once. The path is the parent's; of the root itself it is ''. */
export type Visit = (slot: Slot, parentPath: string) => boolean;

/**
 * A walk over all nodes, each parent before its children and these in the order of their names, that may rest at any
 * node. Whatever changes while it rests, it meets each node that stays exactly once; one that comes meanwhile may be met or
 * not. So whoever makes nodes anew from what it meets finds parent and neighbour at hand.
 */
export class TreeWalk {
  readonly #nodes: NodeStore;
  /** The path of the node that was visited last; undefined before the first. Slots are another's after a removal. */
  #last: string | undefined;
  #isOver = false;

  constructor(nodes: NodeStore) {
    this.#nodes = nodes;
  }

  /** All nodes were visited. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Visits node after node until `visit` wants no more. Reads about `ahead` children at a time. Nothing changes meanwhile. */
  go(ahead: number, visit: Visit): void {
    if (this.#isOver) return;
    const nodes = this.#nodes;
    let last: Slot = NO_SLOT;
    let wantsMore = true;
    let steps: Step[];
    if (this.#last === undefined) {
      steps = [firstStep(ROOT, '/')];
      last = ROOT;
      wantsMore = visit(ROOT, '');
    } else {
      steps = this.#stepsTo(this.#last);
    }
    while (wantsMore) {
      const step = steps.at(-1);
      if (step === undefined) {
        this.#isOver = true;
        return;
      }
      if (step.next === step.page.length) {
        const before = step.page.at(-1);
        const after = before === undefined ? step.after : nodes.name(before);
        step.page = nodes.children(step.slot, { after, limit: ahead });
        step.next = 0;
        if (step.page.length === 0) steps.pop();
        continue;
      }
      last = step.page[step.next++] as Slot;
      wantsMore = visit(last, step.path);
      if (nodes.childCount(last) > 0) steps.push(firstStep(last, joinPath(step.path, nodes.name(last))));
    }
    assert(last !== NO_SLOT, 'a walk rests where it has been');
    this.#last = nodes.path(last);
  }

  /** What is left to be visited below each node on the way to this one, as far as that way still exists. */
  #stepsTo(path: string): Step[] {
    const steps = [firstStep(ROOT, '/')];
    for (let end = 1; end < path.length; ) {
      const slash = path.indexOf('/', end + 1);
      end = slash === -1 ? path.length : slash;
      const way = path.slice(0, end);
      const parent = steps.at(-1) as Step;
      const name = nameOf(way);
      parent.after = name;
      const slot = this.#nodes.child(parent.slot, name);
      if (slot === NO_SLOT) break;
      steps.push(firstStep(slot, way));
    }
    return steps;
  }
}

/** The children of one node that are left to be visited. */
interface Step {
  readonly slot: Slot;
  readonly path: string;
  /** Those up to this name were visited. */
  after: string | undefined;
  page: readonly Slot[];
  /** Where in the page. */
  next: number;
}

function firstStep(slot: Slot, path: string): Step {
  return { slot, path, after: undefined, page: [], next: 0 };
}
