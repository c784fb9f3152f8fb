export { checkInvariants } from './invariants.ts';
export type {
  LeaderMessage,
  LearnerMessage,
  Notification,
  Standing,
  Vote,
} from './message.ts';
export type { EpochEnd, LogRecord } from './record.ts';
export type {
  DurableState,
  Effect,
  Incarnation,
  Input,
  LinkId,
  Transition,
  ZabOptions,
} from './step.ts';
export { Zab } from './zab.ts';
