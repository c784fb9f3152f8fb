import { type CreateMode, isSequential, nameOf, parentOf, pathFault } from '@zabra/model';
import { ZkError } from './errors.ts';

export interface Paths {
  /** Joins with single slashes: `join('/a', 'b/', 'c')` is `/a/b/c`. */
  join(...parts: string[]): string;
  /** `/` for the root. */
  parent(path: string): string;
  /** The last name; empty for the root. */
  name(path: string): string;
  /** Throws INVALID_PATH with the rule that is broken. */
  validate(path: string): void;
  /** 0 for the root. */
  depth(path: string): number;
  /** Below `root` or `root` itself. */
  isUnder(path: string, root: string): boolean;
  /** The number at the end of a sequential node's name, or null. */
  sequence(name: string): bigint | null;
  /** By sequence, numerically; names without one come last, in code unit order. */
  compareSequence(a: string, b: string): number;
  /** The guid of a protected name `_c_<guid>-…`, or null. */
  protectedId(name: string): string | null;
}

export const paths: Paths = {
  join: (...parts) => {
    const names = parts.flatMap((part) => part.split('/')).filter((name) => name !== '');
    return `/${names.join('/')}`;
  },
  parent: parentOf,
  name: nameOf,
  validate: (path) => {
    checkPath(path);
  },
  depth: (path) => (path === '/' ? 0 : path.split('/').length - 1),
  isUnder: (path, root) => path === root || path.startsWith(root === '/' ? '/' : `${root}/`),
  sequence: (name) => {
    const digits = SEQUENCE.exec(name)?.[1];
    return digits === undefined ? null : BigInt(digits);
  },
  compareSequence: (a, b) => {
    const [left, right] = [paths.sequence(a), paths.sequence(b)];
    if (left !== null && right !== null && left !== right) return left < right ? -1 : 1;
    if ((left === null) !== (right === null)) return left === null ? 1 : -1;
    return a === b ? 0 : a < b ? -1 : 1;
  },
  protectedId: (name) => PROTECTED.exec(name)?.[1] ?? null,
};

/** Throws INVALID_PATH. `sequential`: a suffix will be appended. */
export function checkPath(path: string, sequential = false, op?: string): void {
  const fault = typeof path === 'string' ? pathFault(path, { sequential }) : 'a path is a string';
  if (fault === undefined) return;
  throw new ZkError('INVALID_PATH', {
    message: fault,
    path: String(path),
    ...(op === undefined ? {} : { op }),
  });
}

/** A user's path as it is in the tree, below the root of the view (empty: the tree's own). Throws INVALID_PATH. */
export function treePath(
  root: string,
  path: string,
  call: { readonly op: string; readonly mode?: CreateMode },
): string {
  const sequential = call.mode !== undefined && isSequential(call.mode);
  checkPath(path, sequential, call.op);
  if (root === '') return path;
  // A sequential child of the view's root keeps its slash, since its name is all suffix.
  const full = path === '/' && !sequential ? root : root + path;
  checkPath(full, sequential, call.op);
  return full;
}

/** The beginning of a user's path as it is in the tree; it need not end a name. Throws INVALID_PATH. */
export function checkPrefix(root: string, prefix: string): string {
  if (typeof prefix !== 'string' || (prefix !== '' && !prefix.startsWith('/'))) {
    const message = 'a prefix begins with /, or is empty for all';
    throw new ZkError('INVALID_PATH', { op: 'ephemerals', path: String(prefix), message });
  }
  return prefix === '' || prefix === '/' ? root : root + prefix;
}

/** Takes the root off again; a path that is not below it (a parent of the root, the configuration) stays whole. */
export function withoutRoot(root: string, path: string): string {
  if (root === '' || !path.startsWith(root)) return path;
  if (path.length === root.length) return '/';
  return path[root.length] === '/' ? path.slice(root.length) : path;
}

// At least ten digits, as servers write them.
const SEQUENCE = /(\d{10,})$/;
const PROTECTED = /^_c_([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})-/;
