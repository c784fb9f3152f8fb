import { assert, counterOf, epochOf } from '@zabra/model';
import type { Leader } from './leader.ts';
import type { Tenure } from './tenure.ts';
import type { Zab } from './zab.ts';

/** What holds after every step of one server. Run by tests and the simulator; throws InvariantError. */
export function checkInvariants(zab: Zab): void {
  const { tenure, leading } = zab;
  if (tenure === undefined) return;
  checkLog(tenure);
  checkEpochs(zab, tenure);
  if (leading !== undefined) checkLeader(zab, leading, tenure);
}

function checkLog({ log, options }: Tenure): void {
  const {
    lastZxid: last,
    durableZxid: durable,
    commitZxid: commit,
    deliveredZxid: delivered,
    baseZxid: base,
  } = log;
  const facts = { last, durable, commit, delivered, base, floor: log.history.floor };
  assert(durable <= last, 'only what was appended is durable', facts);
  assert(commit <= last, 'the commit mark stays within the log', facts);
  assert(delivered <= commit, 'only what is committed is delivered', facts);
  assert(delivered <= durable, 'only what is durable here is delivered', facts);
  assert(base <= delivered, 'a base holds only what is applied', facts);
  assert(log.history.floor <= delivered, 'what is not delivered is held in memory', facts);
  assert(log.epochs.lastZxid === last, 'the epochs end where the log ends', facts);
  const isOver = log.history.count > options.historyRecordsMax || log.history.bytes > options.historyBytesMax;
  if (isOver)
    assert(log.history.floor === delivered, 'the window holds more than it should only if it must', facts);
}

function checkEpochs(zab: Zab, { manifest, log }: Tenure): void {
  const { acceptedEpoch, currentEpoch } = manifest;
  const facts = { acceptedEpoch, currentEpoch, epoch: zab.epoch, last: log.lastZxid };
  assert(currentEpoch <= acceptedEpoch, 'an epoch is promised before it is adopted', facts);
  assert(epochOf(log.lastZxid) <= acceptedEpoch, 'no record is of an epoch that was not promised', facts);
  if (!zab.serving) return;
  assert(zab.phase === 'broadcast', 'a server serves in broadcast', facts);
  assert(zab.epoch === currentEpoch, 'a server serves in the epoch it adopted', facts);
  assert(zab.epoch === acceptedEpoch, 'a server serves in the last epoch it promised', facts);
  assert(manifest.standing === 'voter', 'a server serves from data that can be trusted', facts);
  assert(
    epochOf(log.deliveredZxid) === zab.epoch,
    'a server serves once its leader’s history is delivered',
    facts,
  );
}

function checkLeader(zab: Zab, leader: Leader, { log, options }: Tenure): void {
  for (const learner of leader.learners.values()) {
    const facts = {
      learner: learner.peer,
      sent: learner.sentTo,
      acked: learner.ackedZxid,
      last: log.lastZxid,
    };
    assert(learner.sentTo <= log.lastZxid, 'only what is in the log is sent', facts);
    assert(learner.ackedZxid <= learner.sentTo, 'only what was sent is acknowledged', facts);
    if (learner.ackedZxid > 0)
      assert(learner.hasAdopted, 'the first ack that counts is that of NEWLEADER', facts);
    if (learner.hasAdopted) assert(learner.standing === 'voter', 'only whole servers adopt an epoch', facts);
    assert(learner.unackedBytes >= 0, 'no ack releases what was not sent', facts);
  }
  if (!zab.serving) return;
  assert(epochOf(log.commitZxid) === zab.epoch, 'a leader serves once its initial history is committed', {
    commit: log.commitZxid,
    epoch: zab.epoch,
  });
  assert(counterOf(log.lastZxid) <= options.counterMax, 'an epoch has a last zxid', { last: log.lastZxid });
}
