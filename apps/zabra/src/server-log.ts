import type { Logger } from '@zabra/server';
import { destination, pino } from 'pino';

/** Structured lines on stderr: one per change of role, session or file, never data. */
export function serverLog(id: number): Logger {
  const log = pino({ level: 'info', base: { server: id } }, destination({ fd: 2, sync: true }));
  return {
    debug: (message, facts) => log.debug(facts, message),
    info: (message, facts) => log.info(facts, message),
    warn: (message, facts) => log.warn(facts, message),
    error: (message, facts) => log.error(facts, message),
  };
}
