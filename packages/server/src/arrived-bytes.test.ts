import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ArrivedBytes } from './arrived-bytes.ts';

describe('bytes that arrived', () => {
  test('are taken in the order in which they came, however they are parted, and stay as they were', () => {
    const anyPart = fc.record({
      bytes: fc.integer({ min: 0, max: 3000 }),
      taken: fc.integer({ min: 0, max: 4000 }),
      lets: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(anyPart, { maxLength: 40 }), (parts) => {
        const arrived = new ArrivedBytes();
        const taken: Buffer[] = [];
        let came = 0;
        let gone = 0;
        for (const { bytes, taken: wanted, lets } of parts) {
          arrived.append(Buffer.from(Array.from({ length: bytes }, (_, index) => (came + index) % 251)));
          came += bytes;
          const count = Math.min(wanted, arrived.length);
          taken.push(arrived.take(0, count));
          gone += count;
          if (lets) arrived.letGo();
          expect(arrived.length).toBe(came - gone);
        }
        taken.push(arrived.take(0, arrived.length));
        expect(Buffer.concat(taken)).toEqual(
          Buffer.from(Array.from({ length: came }, (_, index) => index % 251)),
        );
      }),
    );
  });

  test('that come as they are to be taken are not copied', () => {
    const arrived = new ArrivedBytes();
    const chunk = Buffer.from([0, 0, 0, 2, 7, 8]);
    arrived.append(chunk);
    expect(arrived.peekInt32()).toBe(2);
    const taken = arrived.take(4, 2);
    expect(taken).toEqual(Buffer.of(7, 8));
    expect(taken.buffer).toBe(chunk.buffer);
    expect(taken.byteOffset).toBe(chunk.byteOffset + 4);
  });

  test('that are few do not keep the memory of the many that came with them', () => {
    const arrived = new ArrivedBytes();
    const chunk = Buffer.alloc(65_536, 1);
    arrived.append(chunk);
    arrived.take(0, 65_530);
    arrived.letGo();
    const rest = arrived.take(0, 6);
    expect(rest).toEqual(Buffer.alloc(6, 1));
    expect(rest.buffer.byteLength).toBeLessThan(100);
  });

  test('of a large frame are not moved over and over', () => {
    const arrived = new ArrivedBytes();
    arrived.append(Buffer.alloc(65_536, 1));
    const before = arrived.take(0, 0).buffer;
    arrived.letGo();
    expect(arrived.take(0, 0).buffer).toBe(before);
  });

  test('that come one by one take memory twice as much at most', () => {
    const arrived = new ArrivedBytes();
    for (let count = 0; count < 10_000; count++) arrived.append(Buffer.of(count % 256));
    expect(arrived.take(0, 10_000).buffer.byteLength).toBeLessThanOrEqual(2 * 10_000);
  });
});
