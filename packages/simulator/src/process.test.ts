import { expect, test } from 'vitest';
import { Process } from './process.ts';

/** A process, what reached it, and the events that wait. */
function bench() {
  const reached: string[] = [];
  const events: (() => void)[] = [];
  const process = new Process('p', () => undefined);
  return {
    process,
    reached,
    deliver: (name: string) => process.deliver(() => reached.push(name)),
    resume: () => process.resume((work) => events.push(work)),
    runAll: () => {
      for (let event = events.shift(); event !== undefined; event = events.shift()) event();
    },
  };
}

test('what comes right after a pause does not overtake what gathered in it', () => {
  const { process, reached, deliver, resume, runAll } = bench();
  process.pause();
  deliver('first');
  deliver('second');
  resume();
  deliver('third');
  runAll();
  deliver('fourth');
  expect(reached).toEqual(['first', 'second', 'third', 'fourth']);
});

test('a second pause while it catches up keeps the rest for later, in order', () => {
  const { process, reached, deliver, resume, runAll } = bench();
  process.pause();
  deliver('first');
  resume();
  process.pause();
  runAll();
  deliver('second');
  expect(reached).toEqual([]);
  resume();
  runAll();
  expect(reached).toEqual(['first', 'second']);
});

test('the dead catch up with nothing', () => {
  const { process, reached, deliver, resume, runAll } = bench();
  process.pause();
  deliver('first');
  process.kill();
  resume();
  runAll();
  expect(reached).toEqual([]);
});
