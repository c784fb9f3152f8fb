import type { Logger } from '@zabra/server';

type Facts = Readonly<Record<string, unknown>>;

/** A server's log for people: one line per event on standard error, `time level message fact=value …`. */
export const log: Logger = {
  debug: () => undefined,
  info: (message, facts) => write('info', message, facts),
  warn: (message, facts) => write('warn', message, facts),
  error: (message, facts) => write('error', message, facts),
};

function write(level: string, message: string, facts: Facts = {}): void {
  const told = Object.entries(facts).map(([name, value]) => ` ${name}=${shown(value)}`);
  process.stderr.write(`${new Date().toISOString()} ${level} ${message}${told.join('')}\n`);
}

/** Bare where it is one word, so that a line can be taken apart again. */
function shown(value: unknown): string {
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /^\S+$/.test(text) ? text : JSON.stringify(text);
}
