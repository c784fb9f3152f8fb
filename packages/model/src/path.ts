/** Limits on names, so that no path can make a frame or a recursion unbounded. Bytes are those of UTF-8. */
export const PATH_BYTES_MAX = 4096;
export const PATH_DEPTH_MAX = 256;

/**
 * Says what is wrong with a path, or undefined when it is legal. Rules as in ZooKeeper: starts with `/`,
 * no trailing `/` but the root's, no empty, `.` or `..` component, none of U+0000 to U+001F, U+007F to
 * U+009F, U+D800 to U+F8FF, U+FFF0 to U+FFFF (so supplementary-plane characters are illegal too).
 * `sequential`: a suffix will be appended, so a trailing `/` is legal.
 */
export function pathFault(path: string, options: { readonly sequential?: boolean } = {}): string | undefined {
  if (path.length === 0) return 'a path is not empty: write "/" for the root';
  if (path[0] !== '/') return 'a path starts with "/"';
  if (isTooLong(path)) return `a path has at most ${PATH_BYTES_MAX} bytes; this one has ${utf8Bytes(path)}`;
  const checked = options.sequential === true ? `${path}1` : path;
  if (checked === '/') return undefined;
  let depth = 0;
  let start = 1;
  for (let index = 1; index <= checked.length; index++) {
    const code = index === checked.length ? SLASH : checked.charCodeAt(index);
    if (code === SLASH) {
      depth++;
      if (index === start) {
        return index === checked.length
          ? 'a path does not end in "/"'
          : 'a path has no empty name between slashes';
      }
      const length = index - start;
      if (
        length <= 2 &&
        checked.charCodeAt(start) === DOT &&
        (length === 1 || checked.charCodeAt(start + 1) === DOT)
      ) {
        return 'a path has no "." or ".." as a name';
      }
      start = index + 1;
    } else if (isIllegal(code)) {
      return `a path has no character U+${code.toString(16).toUpperCase().padStart(4, '0')} (at ${index})`;
    }
  }
  if (depth > PATH_DEPTH_MAX) return `a path is at most ${PATH_DEPTH_MAX} names deep; this one has ${depth}`;
  return undefined;
}

/** More bytes than PATH_BYTES_MAX? Counts only where the length alone does not decide. */
export function isTooLong(path: string): boolean {
  return path.length * BYTES_PER_UNIT_MAX > PATH_BYTES_MAX && utf8Bytes(path) > PATH_BYTES_MAX;
}

/** `/a` of `/a/b`, `/` of `/a`. The root has none; asking for it answers `/`. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** `b` of `/a/b`; the empty name for the root. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function joinPath(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`;
}

/** The suffix of a sequential node: at least 10 digits, growing beyond them. */
export function sequenceSuffix(counter: number): string {
  return String(counter).padStart(10, '0');
}

const SLASH = 0x2f;
const DOT = 0x2e;
const BYTES_PER_UNIT_MAX = 3;

/** A legal path has no surrogates, so each UTF-16 unit is a character of its own. */
function utf8Bytes(path: string): number {
  let bytes = 0;
  for (let index = 0; index < path.length; index++) {
    const code = path.charCodeAt(index);
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : BYTES_PER_UNIT_MAX;
  }
  return bytes;
}

function isIllegal(code: number): boolean {
  return (
    code <= 0x1f || (code >= 0x7f && code <= 0x9f) || (code >= 0xd800 && code <= 0xf8ff) || code >= 0xfff0
  );
}
