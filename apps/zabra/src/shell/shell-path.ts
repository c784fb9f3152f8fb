/**
 * The path that is meant by what was typed in a directory: `.`, `..` and empty names are taken out, and a `/` at the end
 * too, unless a number will be appended there (`keepSlash`).
 */
export function resolvePath(
  directory: string,
  typed: string,
  options: { readonly keepSlash?: boolean } = {},
): string {
  const names: string[] = [];
  for (const name of `${typed.startsWith('/') ? '' : `${directory}/`}${typed}`.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  const path = `/${names.join('/')}`;
  const hasSlash = options.keepSlash === true && /[^/]\/$/.test(typed) && path !== '/';
  return hasSlash ? `${path}/` : path;
}
