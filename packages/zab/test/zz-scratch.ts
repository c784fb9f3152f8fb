import { schedule } from './schedule.ts';
const muts = [undefined,'ack-before-fsync','vote-with-unsynced-history','commit-without-quorum','epoch-saved-before-log','sync-skips-trunc','apply-ahead-of-own-log'];
const only = process.argv[2]; const from=Number(process.argv[3]??0), n=Number(process.argv[4]??300);
for (const m of muts) {
  if (only && only!==String(m)) continue;
  (globalThis as any).__ZABRA_MUTANT__ = m;
  const errs = new Map<string, number[]>(); const tot: Record<string, number> = {}; let slow=0; let settle: number[]=[];
  for (let seed=from; seed<from+n; seed++) {
    try {
      const e = schedule(seed); e.heal(); e.start(...e.members);
      const t=e.nowMs; let done=0;
      if (!e.runUntil(()=>e.isSettled(), 20000)) throw new Error('not settled');
      settle.push(e.nowMs-t);
      for (const [k,v] of Object.entries(e.counts)) tot[k]=(tot[k]??0)+v; tot.committed=(tot.committed??0)+e.committed.length;
    } catch (x: any) { const k=String(x.message).replace(/\d{3,}/g,'N').replace(/\(.*/,''); errs.set(k,[...(errs.get(k)??[]),seed]); }
  }
  settle.sort((a,b)=>a-b);
  console.log(m, 'failures', [...errs].map(([k,v])=>`${k} x${v.length} first ${v.slice(0,3)}`));
  if (m===undefined) console.log(tot, 'settle p50', settle[settle.length>>1], 'p99', settle[Math.floor(settle.length*.99)], 'max', settle.at(-1));
}
