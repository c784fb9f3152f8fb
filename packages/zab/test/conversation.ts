import { counterOf, epochOf, makeZxid, type PeerId, ZXID_NONE, type Zxid } from '@zabra/model';
import type {
  Effect,
  LeaderMessage,
  LearnerMessage,
  LogRecord,
  Notification,
  ZabOptions,
} from '../src/index.ts';
import { Ensemble } from './ensemble.ts';

/**
 * Runs the script of a conversation: each paragraph has prose (`#`), commands, `----`, and what the servers then said and
 * did. Returns the script with the output as it is now. Delays are fixed: 1 ms on the network, 2 ms on the disk.
 */
export function runConversation(script: string): string {
  const stage = new Stage();
  const paragraphs = script.trimEnd().split(/\n{2,}/);
  return `${paragraphs.map((paragraph) => stage.play(paragraph)).join('\n\n')}\n`;
}

class Stage {
  #ensemble: Ensemble | undefined;
  #lines: string[] = [];
  #showsPings = false;
  #isHushed = false;

  play(paragraph: string): string {
    const given = paragraph.split('\n');
    const end = given.indexOf('----');
    const head = end === -1 ? given : given.slice(0, end);
    const commands = head.filter((line) => !line.startsWith('#'));
    if (commands.length === 0) return head.join('\n');
    this.#lines = [];
    for (const command of commands) this.#obey(command);
    return [...head, '----', ...this.#lines].join('\n');
  }

  get #here(): Ensemble {
    if (this.#ensemble === undefined) throw new Error('a conversation begins with "ensemble"');
    return this.#ensemble;
  }

  #obey(command: string): void {
    const [verb = '', ...words] = command.split(' ');
    const ids = words.map(Number);
    const [id = 0, second = 0] = ids;
    const run = COMMANDS[verb];
    if (verb === 'ensemble') this.#gather(words);
    else if (verb === 'pings') this.#showsPings = words[0] === 'on';
    else if (verb === 'hush') this.#isHushed = words[0] === 'on';
    else if (run === undefined) throw new Error(`no such command: ${command}`);
    else {
      const answer = run(this.#here, { id, second, ids, words });
      if (answer !== undefined) this.#lines.push(...answer);
    }
  }

  /** `ensemble 1 2 3 standing=blank historyRecordsMax=1`: the members, and options where they differ. */
  #gather(words: readonly string[]): void {
    const settings = Object.fromEntries(
      words.filter((word) => word.includes('=')).map((word) => word.split('=')),
    );
    const { standing, ...options } = settings as Record<string, string>;
    const members = words.filter((word) => !word.includes('=')).map(Number);
    const numbers = Object.fromEntries(Object.entries(options).map(([name, value]) => [name, Number(value)]));
    this.#ensemble = new Ensemble({
      members,
      options: numbers as Partial<ZabOptions>,
      standing: standing === 'blank' ? 'blank' : 'voter',
    });
    this.#ensemble.trace = (from, effect) => {
      const line = this.#describe(from, effect);
      if (line !== undefined && !this.#isHushed) this.#lines.push(line);
    };
  }

  #describe(from: PeerId, effect: Effect): string | undefined {
    switch (effect.kind) {
      case 'notify':
        return `${from} > ${effect.to} ${note(effect.notification)}`;
      case 'toLeader':
      case 'toLearner': {
        const { message } = effect;
        if ((message.kind === 'ping' || message.kind === 'pong') && !this.#showsPings) return undefined;
        return `${from} > ${this.#here.peerOf(from, effect.link) ?? '?'} ${said(message)}`;
      }
      case 'connect':
        return `${from}: connects to ${effect.to}`;
      case 'disconnect':
        return `${from}: disconnects ${this.#here.peerOf(from, effect.link) ?? '?'}: ${effect.reason}`;
      case 'append':
        return `${from}: append ${records(effect.records)}`;
      case 'truncate':
        return `${from}: truncate after ${at(effect.after)}`;
      case 'saveManifest':
        return `${from}: save accepted ${effect.acceptedEpoch} current ${effect.currentEpoch} ${effect.standing}`;
      case 'readLog':
        return `${from}: read log after ${at(effect.after)} through ${at(effect.through)}`;
      case 'openSnapshot':
        return `${from}: open a snapshot at ${at(effect.atLeast)} or later`;
      case 'readSnapshot':
        return `${from}: read snapshot from ${effect.offset}`;
      case 'closeSnapshot':
        return `${from}: close the snapshot`;
      case 'beginSnapshot':
        return `${from}: begin a snapshot at ${at(effect.zxid)}, ${effect.bytes} bytes`;
      case 'writeSnapshot':
        return `${from}: write snapshot from ${effect.offset}`;
      case 'installSnapshot':
        return `${from}: install the snapshot at ${at(effect.zxid)}`;
      case 'deliver':
        return `${from}: deliver ${records(effect.records)}`;
      case 'readIndexed':
        return `${from}: read index ${effect.zxid === undefined ? 'refused' : at(effect.zxid)}`;
      case 'forwarded':
        return `${from}: a request of ${effect.from}: ${text(effect.payload)}`;
      case 'answered':
        return `${from}: answered: ${text(effect.payload)}`;
      case 'drain':
        return `${from}: drain`;
      case 'transition': {
        const { role, phase, epoch, reason, serving } = effect.to;
        return `${from}: ${role}, ${phase}, epoch ${epoch}${serving ? ', serves' : ''} (${reason})`;
      }
      default:
        throw effect satisfies never;
    }
  }
}

interface Words {
  readonly id: number;
  readonly second: number;
  readonly ids: readonly number[];
  readonly words: readonly string[];
}

const COMMANDS: Readonly<
  Record<string, (ensemble: Ensemble, words: Words) => readonly string[] | undefined>
> = {
  start: (ensemble, { ids }) => void ensemble.start(...ids),
  crash: (ensemble, { ids }) => void ensemble.crash(...ids),
  run: (ensemble, { id }) => void ensemble.run(id),
  cut: (ensemble, { id, second }) => void ensemble.cut(id, second),
  heal: (ensemble) => void ensemble.heal(),
  reset: (ensemble, { id }) => void ensemble.reset(id),
  propose: (ensemble, { words }) => void ensemble.propose(...words),
  forward: (ensemble, { id, words }) => void ensemble.forward(id, words.slice(1).join(' ')),
  read: (ensemble, { id }) => void ensemble.readIndex(id),
  snapshot: (ensemble, { id }) => void ensemble.snapshot(id),
  /** `disk 3 accepted=2 current=1 log=1.0,1.1 commit=1.0`: what a server that is down has. */
  disk: (ensemble, { id, words }) => {
    const { disk } = ensemble.server(id);
    const given = new Map(words.slice(1).map((word) => word.split('=') as [string, string]));
    disk.acceptedEpoch = Number(given.get('accepted') ?? disk.acceptedEpoch);
    disk.currentEpoch = Number(given.get('current') ?? disk.currentEpoch);
    disk.commitZxid = zxidOf(given.get('commit') ?? '0.0');
    let previous = ZXID_NONE;
    disk.log = (given.get('log') ?? '')
      .split(',')
      .filter(Boolean)
      .map((word): LogRecord => {
        const zxid = zxidOf(word);
        const kind = counterOf(zxid) === 0 ? 'epoch-start' : 'txn';
        const record: LogRecord = { zxid, previous, kind, payload: new Uint8Array(0) };
        previous = zxid;
        return record;
      });
    disk.crash(() => 0);
    ensemble.assume(disk.log.filter((record) => record.zxid <= disk.commitZxid));
    return undefined;
  },
  damage: (ensemble, { id }) => void ensemble.damage(id),
  stall: (ensemble, { id }) => void ensemble.stall(id),
  state: (ensemble) =>
    [...ensemble.servers.values()].map(({ id, zab, disk }) => {
      const what = zab === undefined ? 'down' : `${zab.role} ${zab.phase}`;
      return `${id}: ${what}, log ${at(disk.lastZxid)}, applied ${at(disk.appliedZxid)}, accepted ${disk.acceptedEpoch}, current ${disk.currentEpoch}`;
    }),
};

function at(zxid: Zxid): string {
  return `${epochOf(zxid)}.${counterOf(zxid)}`;
}

function zxidOf(word: string): Zxid {
  const [epoch = 0, counter = 0] = word.split('.').map(Number);
  return makeZxid(epoch, counter);
}

function text(payload: Uint8Array): string {
  return new TextDecoder().decode(payload);
}

function records(list: readonly LogRecord[]): string {
  return list
    .map((record) => `${at(record.zxid)}${record.payload.length > 0 ? `=${text(record.payload)}` : ''}`)
    .join(' ');
}

function note({ state, standing, round, vote }: Notification): string {
  const mark = standing === 'voter' ? '' : `, ${standing}`;
  return `${state}, round ${round}: ${vote.leader} (epoch ${vote.epoch}, ${at(vote.zxid)})${mark}`;
}

function said(message: LeaderMessage | LearnerMessage): string {
  switch (message.kind) {
    case 'followerInfo':
      return `FOLLOWERINFO accepted ${message.acceptedEpoch} ${message.standing}`;
    case 'leaderInfo':
      return `LEADERINFO epoch ${message.epoch}`;
    case 'ackEpoch': {
      const ends = message.history.map((end) => `${end.epoch}.${end.counter}`).join(' ');
      return `ACKEPOCH ${message.epoch}${message.promised ? ' promised' : ''}: current ${message.currentEpoch}, last ${at(message.lastZxid)} [${ends}]`;
    }
    case 'syncPlan':
      return `${message.mode.toUpperCase()} ${at(message.zxid)}`;
    case 'snapshotChunk':
      return `chunk ${message.offset}+${message.data.length}${message.last ? ' last' : ''}`;
    case 'snapshotProgress':
      return `progress ${message.offset}`;
    case 'proposals':
      return `PROPOSE ${records(message.records)} | commit ${at(message.commit)}`;
    case 'newLeader':
      return `NEWLEADER ${message.epoch} ${at(message.zxid)}`;
    case 'ackNewLeader':
      return `ACK(NEWLEADER ${message.epoch})`;
    case 'ack':
      return `ACK ${at(message.zxid)}`;
    case 'commit':
      return `COMMIT ${at(message.zxid)}`;
    case 'ping':
      return `ping ${message.round}`;
    case 'pong':
      return `pong ${message.round}`;
    case 'forward':
      return `request ${text(message.payload)}`;
    case 'answer':
      return `answer ${text(message.payload)}`;
    case 'readIndex':
      return 'read index?';
    case 'readIndexed':
      return `read index ${at(message.zxid)}`;
    default:
      throw message satisfies never;
  }
}
