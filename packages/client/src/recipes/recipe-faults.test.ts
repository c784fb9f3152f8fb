import { describe, expect, test } from 'vitest';
import { ModelBench } from './model-bench.test-support.ts';
import { countRequests, harmsOf, outcomesAllowed, scenarios, strike } from './recipe-faults.test-support.ts';

const counted = [];
for (const scenario of scenarios) {
  const bench = new ModelBench();
  counted.push({ scenario, requests: await countRequests(bench, scenario) });
  await bench.close();
}

const table = counted.flatMap(({ scenario, requests }) =>
  Array.from({ length: requests }, (_, index) => index + 1).flatMap((request) =>
    harmsOf(scenario).map((harm) => ({ name: scenario.name, scenario, request, harm, ...harm })),
  ),
);

describe(`${table.length} blows to recipes leave nothing behind`, () => {
  test.each(table)(
    '$name, $kind at request $request, $when it is applied',
    async ({ scenario, harm, request }) => {
      const bench = new ModelBench();
      const aftermath = await strike(bench, scenario, harm, request);
      await bench.close();

      expect(aftermath.wasStruck).toBe(true);
      expect(outcomesAllowed(scenario, harm)).toContain(aftermath.outcome);
      expect(aftermath.left).toEqual([]);
    },
  );
});
