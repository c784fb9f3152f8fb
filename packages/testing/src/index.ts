export { Ensemble, type EnsembleOptions, startEnsemble } from './ensemble.ts';
export { freePorts } from './free-ports.ts';
export type { DiskKind } from './server-main.ts';
