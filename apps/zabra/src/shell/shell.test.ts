import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { connect } from '@zabra/client';
import { type Ensemble, startEnsemble } from '@zabra/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  eventually,
  type Finished,
  RunningZabra,
  temporaryDirectory,
  zabra,
} from '../../test/zabra-process.ts';
import { converse } from './interactive.ts';
import { LineHistory } from './line-history.ts';
import { Link } from './link.ts';

const LONG_MS = 60_000;

let ensemble: Ensemble;
beforeAll(async () => {
  ensemble = await startEnsemble({ servers: 1 });
});
afterAll(async () => {
  await ensemble?.close();
});

function shell(args: readonly string[], lines: readonly string[] = []): Promise<Finished> {
  return zabra(['shell', ...args], {
    env: { ZABRA_SERVERS: ensemble.servers },
    input: lines.map((line) => `${line}\n`).join(''),
  });
}

describe('a script', () => {
  test(
    "runs zkCli's commands line by line in one session",
    async () => {
      const { code, stdout, stderr } = await shell(
        [],
        [
          '# what a person coming from ZooKeeper types',
          'create /zk data',
          'create -e /zk/mine "two words"',
          'create -s -e /zk/n-',
          'LS /zk',
          'ls -R /zk',
          'get /zk/mine',
          'getEphemerals /zk',
          'getAllChildrenNumber /zk',
          'set -s -v 0 /zk "new data"',
          'cd zk',
          'pwd',
          'get .',
          'stat mine --json',
          'addauth digest u:opensesame',
          'create /zk/closed x auth::cdrwa',
          'getAcl /zk/closed --json',
          'setAcl /zk/closed world:anyone:cdrwa',
          'getAcl closed',
          'setquota -N 100 /zk',
          'listquota /zk --json',
          'delquota /zk',
          'multi \'[{"op":"check","path":"/zk","version":1}]\'',
          'multiread . children:/zk/closed',
          'touch /zk/none',
          'sync /zk',
          'version',
          'history',
          'deleteall /zk',
          'exists /zk',
          'quit',
          'create /never',
        ],
      );
      const numbered = stdout.match(/^\/zk\/n-\d+$/m)?.[0] ?? '';
      expect(stdout).toContain(`/zk\n/zk/mine\n${numbered}\nmine\nn-`);
      expect(stdout).toContain(`/zk\n/zk/mine\n${numbered}\ntwo words\n/zk/mine\n${numbered}\n2\nczxid`);
      expect(stdout).toMatch(/^version +1$/m);
      expect(stdout).toContain('\n/zk\nnew data\n{"czxid":"0x');
      expect(stdout).toMatch(/"scheme":"scrypt"|"scheme":"digest"/);
      expect(stdout).toContain('\nworld:anyone:cdrwa\n{"path":"/zk","count":100,"bytes":null');
      expect(stdout).toContain('\ncheck /zk\nget /zk: new data\nchildren /zk/closed: \n0x');
      expect(stdout).toMatch(/\nzabra \d+\.\d+\.\d+\n/);
      expect(stdout).toContain('0 - create /zk data\n');
      expect(stdout).toMatch(/\nfalse\n$/);
      expect(stdout + stderr).not.toContain('opensesame');
      expect(stderr).toMatch(/^zabra: line 25: NO_NODE: .*; create it with `create PATH DATA`.*\n$/);
      // `exists /zk` was the last that failed.
      expect(code).toBe(1);
    },
    LONG_MS,
  );

  test(
    'tells of watches as they fire, and forgets those that are removed',
    async () => {
      const { stdout, stderr, code } = await shell(
        [],
        [
          'create /seen x',
          'get -w /seen',
          'addWatch /seen',
          'addWatch -m PERSISTENT /seen',
          'set /seen y',
          'removewatches /seen -p',
          'create /seen/below',
          'printwatches off',
          'printwatches',
          'set /seen/below hidden',
          'printwatches on',
          'removewatches /seen',
          'set /seen z',
          'removewatches /seen',
          'addWatch -m ONCE /seen',
          'deleteall /seen',
        ],
      );
      const events = stdout.split('\n').filter((line) => line.startsWith('watch: '));
      expect(events.map((line) => line.replace(/0x[0-9a-f]+/, 'zxid'))).toEqual([
        ...Array.from({ length: 3 }, () => 'watch: zxid changed /seen'),
        'watch: zxid created /seen/below',
      ]);
      expect(stdout).toContain('printwatches is off\n');
      expect(stderr).toBe(
        [
          'zabra: line 14: NO_WATCHER: removewatches /seen: this shell has no such watch there',
          'zabra: line 15: a watch\'s mode is PERSISTENT or PERSISTENT_RECURSIVE, not "ONCE"',
          '',
        ].join('\n'),
      );
      expect(code).toBe(2);
    },
    LONG_MS,
  );

  test(
    'says of each line what is wrong, goes on, and exits as the last failure does',
    async () => {
      const lines = [
        'nonsense',
        'get',
        'config',
        'redo 99',
        'get /none',
        'close',
        'ls /',
        `connect ${ensemble.servers}`,
        'ls /',
      ];
      const { code, stdout, stderr } = await shell([], lines);
      expect(stderr.split('\n')).toEqual([
        'zabra: line 1: there is no command "nonsense"; `help` lists what there is',
        expect.stringMatching(/^zabra: line 2: get: path is missing; usage: get /),
        expect.stringMatching(/^zabra: line 3: config is not offered yet: /),
        'zabra: line 4: there is no line 99; `history` shows the numbers',
        expect.stringMatching(/^zabra: line 5: NO_NODE: /),
        'zabra: line 7: not connected; `connect HOST:PORT` connects',
        '',
      ]);
      expect(stdout).toContain('zookeeper\n');
      expect(code).toBe(1);
    },
    LONG_MS,
  );

  test(
    'ends at its first failure when told so; comes from a file, or from the command line',
    async () => {
      const file = join(temporaryDirectory(), 'script.zabra');
      writeFileSync(file, 'create /file\nget /none\ndelete /file\n');
      const ended = await shell(['-f', file, '--stop-on-error']);
      expect(ended).toMatchObject({ code: 1, stdout: '/file\n' });
      expect(ended.stderr).toContain(`zabra: ${file}:2: NO_NODE`);
      expect(await shell(['-c', 'delete /file', '-c', 'ls / --json'])).toEqual({
        code: 0,
        stdout: '["zookeeper"]\n',
        stderr: '',
      });
      expect(await shell(['--json', '-c', 'pwd', '-c', 'version'])).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^\{"path":"\/"\}\n\{"version":"[^"]+"\}\n$/),
      });
      expect(
        await shell(['-c', 'create /again-x', '-c', 'delete /again-x', '-c', 'redo 0', '-c', 'redo 1']),
      ).toEqual({
        code: 0,
        stdout: '/again-x\n/again-x\n',
        stderr: '',
      });
      expect(await shell(['-f', 'none.zabra'])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('ENOENT'),
      });
      expect(await shell(['-c', 'help', '-c', 'help create'])).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('create [-s] [-e] [-c] [-t <ms>]'),
      });
    },
    LONG_MS,
  );

  test('without an ensemble says so, once', async () => {
    const nobody = new RunningZabra(['shell', '-c', 'ls /'], { env: { ZABRA_SERVERS: '127.0.0.1:1' } });
    const { code, stdout, stderr } = await nobody.finished;
    expect(stderr).toMatch(/^zabra: UNREACHABLE: .*`zabra up` starts one\n$/);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });
});

/** A person at a terminal that shows everything it was ever sent. */
class Person {
  readonly input: PassThrough = new PassThrough();
  readonly output: PassThrough = new PassThrough();
  readonly left: Promise<number>;
  #shown = '';

  constructor(history: LineHistory) {
    this.output.on('data', (chunk) => {
      this.#shown += chunk;
    });
    const link = new Link({ servers: ensemble.servers });
    this.left = converse({ input: this.input, output: this.output, link, history, isJson: false });
    onTestFinished(() => {
      this.input.end();
    });
  }

  type(keys: string): void {
    this.#shown = '';
    this.input.write(keys);
  }

  /** What was shown since the last keys, once it has this in it. */
  sees(text: string): Promise<string> {
    return eventually(() => (this.#shown.includes(text) ? this.#shown : undefined));
  }
}

const ENTER = '\r';
const TAB = '\t';
const UP = '\u001b[A';
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

describe('a conversation', () => {
  test(
    'shows where it is, completes commands and paths, and remembers lines but no credentials',
    async () => {
      const file = join(temporaryDirectory(), 'history');
      const person = new Person(new LineHistory(file));
      await person.sees(`[${ensemble.servers} connected] /> `);
      person.type(`create /folder${ENTER}`);
      await person.sees('/> ');
      person.type(`create /folder/apple ripe${ENTER}`);
      await person.sees('/folder/apple');
      await person.sees('/> ');
      person.type('get /fo');
      await person.sees('/fo');
      person.type(TAB);
      await person.sees('lder/');
      person.type(TAB);
      await person.sees('apple');
      person.type(ENTER);
      await person.sees('ripe');
      person.type(`cd folder${ENTER}`);
      await person.sees(`[${ensemble.servers} connected] /folder> `);
      person.type(`addauth digest u:opensesame${ENTER}`);
      await person.sees('/folder> ');
      person.type(UP);
      expect(await person.sees('cd folder')).not.toContain('opensesame');
      person.type(CTRL_C);
      await person.sees('/folder> ');
      person.type(`deleteall /folder${ENTER}`);
      await person.sees('/folder> ');
      person.type(CTRL_D);
      expect(await person.left).toBe(0);
      expect(new LineHistory(file).earlier()).toEqual([
        'deleteall /folder',
        'cd folder',
        'get /folder/apple',
        'create /folder/apple ripe',
        'create /folder',
      ]);
    },
    LONG_MS,
  );

  test(
    'prints an event without breaking the line that is being typed',
    async () => {
      await using other = await connect(ensemble.servers);
      const person = new Person(new LineHistory(undefined));
      await person.sees('/> ');
      person.type(`ls -w /${ENTER}`);
      await person.sees('zookeeper');
      await person.sees('/> ');
      person.type('create /ty');
      await person.sees('create /ty');
      await other.create('/noise');
      const shown = await person.sees('children /');
      expect(shown).toMatch(/watch: 0x[0-9a-f]+ children \/\n/);
      await person.sees('/> create /ty');
      person.type(`ped${ENTER}`);
      await person.sees('/typed');
      await person.sees('/> ');
      expect(await other.exists('/typed')).not.toBeNull();
      await other.delete('/typed');
      await other.delete('/noise');
      person.type(`get /none${ENTER}`);
      await person.sees('NO_NODE: ');
      person.type(`quit${ENTER}`);
      expect(await person.left).toBe(1);
    },
    LONG_MS,
  );

  test('without an ensemble goes on, and can connect later', { timeout: LONG_MS }, async () => {
    const input = new PassThrough();
    const output = new PassThrough();
    let shown = '';
    output.on('data', (chunk) => {
      shown += chunk;
    });
    const seen = (text: string): Promise<boolean> =>
      eventually(() => (shown.includes(text) ? true : undefined));
    const link = new Link({ servers: '127.0.0.1:1' });
    const left = converse({ input, output, link, history: new LineHistory(undefined), isJson: false });
    await seen('UNREACHABLE');
    await seen('[nowhere closed] /> ');
    input.write(`ls /${ENTER}`);
    await seen('not connected; `connect HOST:PORT` connects');
    input.write(`connect ${ensemble.servers}${ENTER}`);
    expect(await seen(`[${ensemble.servers} connected] /> `)).toBe(true);
    input.write(CTRL_D);
    expect(await left).toBe(1);
  });
});
