import { schedule } from './schedule.ts';
const n=Number(process.argv[2]);
if (process.argv[3]) {
  const e = schedule(Number(process.argv[3])); e.heal(); 
  const t=e.nowMs;
  e.trace = (line, effect: any, from) => { 
    if (effect.kind==='toLearner' && effect.message.kind==='ping' || effect.kind==='toLeader' && effect.message.kind==='pong') return;
    const s = JSON.stringify(effect); console.log((e.nowMs-t).toFixed(0), from, s.slice(0,260)); };
  e.start(...e.members);
  for (const z of e.running()) console.log(z.options.id, z.role, z.phase, z.epoch, z.lastZxid, z.durableZxid, z.commitZxid, e.server(z.options.id).isPaused, z.tenure?.manifest.standing);
  e.runUntil(()=>e.isSettled(), 20000);
} else for (let seed=0; seed<n; seed++) {
  const e = schedule(seed); e.heal(); e.start(...e.members);
  const t=e.nowMs; const c=e.committed.length; let next=0; e.runUntil(()=>{ if (e.nowMs>=next) { next=e.nowMs+50; e.propose("x"); } return e.committed.length>c+60 || e.committed.at(-1)?.kind==="txn" && new TextDecoder().decode(e.committed.at(-1)!.payload)==="x"; }, 20000);
  const d = e.nowMs-t; 
  if (d>1500) console.log(seed, d.toFixed(0), e.members.length);
}
