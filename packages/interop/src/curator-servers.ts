import type { EnsembleOptions } from '@zabra/testing';
import type { RealZooKeeperOptions } from './real-zookeeper.ts';

/*
 * Both as the checks in java/ need them: what is to go by itself goes within a second, and a session lives for longer than
 * an ensemble looks for a leader.
 */

export const PROMPT_REAL_ZOOKEEPER: RealZooKeeperOptions = {
  tickTimeMs: 1000,
  properties: { 'znode.container.checkIntervalMs': '500' },
};
export const PROMPT_ZABRA: EnsembleOptions = { config: { timing: { containerGraceMs: 500 } } };
