import { Faults } from './faults.ts';
import { Tally } from './tally.ts';
import { Process } from './process.ts';
import { decodeServerFrame, encodeClientFrame } from '@zabra/proto';
import { Cluster } from './cluster.ts';
import { drawConfig } from './config.ts';
import { Network } from './network.ts';
import { RandomStream, parseSeed } from './random.ts';
import { Scheduler } from './scheduler.ts';
import { Trace } from './trace.ts';
import { Checker } from './checker.ts';
import { checkServer } from './server-adapter.ts';
const random = new RandomStream(parseSeed(process.argv[2] ?? '1'), 'x');
const config = drawConfig(random.stream('c'));
const scheduler = new Scheduler();
const show = process.argv[3] === 't';
const trace = new Trace(() => scheduler.nowUs, show ? (l) => console.log(l) : undefined);
const network = new Network({ scheduler, random: random.stream('n'), trace, speed: config.network });
let fail: unknown;
let checker: Checker;
const stepped = new Set<number>();
process.on('unhandledRejection', (e) => { fail ??= e; });
const cluster: Cluster = new Cluster({ config, scheduler, network, random: random.stream('s'), trace, watcher: {
  observer: (id) => ({ step: (i, e) => { try { checker.step(id, i, e);} catch (x) { fail ??= x; } } }),
  crashed: (id) => checker.crashed(id), stepped: (id) => { stepped.add(id); }, failed: (id, e) => { fail ??= e; console.log('failed', id, e); },
} });
checker = new Checker(cluster.members);
for (const id of cluster.members) cluster.start(id);
const tally = new Tally();
const faults = new Faults({ cluster, network, scheduler, random: random.stream('f'), config, tally });
let acked = 0;
const NB = new Uint8Array(0);
function client(n: number): void {
  const r = random.stream('client' + n);
  const p = new Process('client ' + n, () => undefined);
  let sid = 0, pw = NB, no = 0, seen = 0, attempt = 0, answered = 0;
  const open: { xid: number; no: number }[] = [];
  const go = (): void => {
    const st = network.dial({ from: 1000 + n, process: p, to: r.pick(cluster.members), service: 'client' });
    const tap = checker.tap(); let xid = 0; let queue: number[] = []; let up = false;
    const send = (e: any): void => { const f = encodeClientFrame({ entries: [e] }); try { tap.sent(f); } catch (x) { fail ??= x; } st.send(f); };
    const req = (k: number): void => { queue.push(k); send({ kind: 'request', request: { kind: 'create', xid: ++xid, requestNo: k, answeredThrough: answered, minZxid: 0, linearizable: false, create: { path: '/q-', data: r.bytes(r.between(1, 200)), mode: 'PERSISTENT_SEQUENTIAL', acl: [] } } }); };
    st.receive({ frame: (f) => { try { tap.received(f); } catch (x) { fail ??= x; }
      for (const e of decodeServerFrame(f).entries) {
        if (e.kind === 'attached') { sid = e.attached.sessionId; pw = e.attached.password; seen = e.attached.zxid; up = true; for (let k = answered + 1; k <= no; k++) req(k); for (let i = 0; i < 5; i++) req(++no); }
        if (e.kind === 'reply') { seen = e.reply.zxid; const k = queue.shift() as number; if (e.reply.kind === 'write') acked++; else if (show) console.log('refused', JSON.stringify(e.reply)); answered = k; scheduler.after(r.exponential(20000), () => { if (up) req(++no); }); }
        if (e.kind === 'goodbye') { if (show) console.log('goodbye', e.goodbye.code, e.goodbye.message); if (e.goodbye.code === 'SESSION_EXPIRED') { sid = 0; pw = NB; no = 0; answered = 0; seen = 0; } up = false; st.close(); scheduler.after(100000, go); }
      } },
      closed: () => { up = false; scheduler.after(r.between(10000, 100000), go); } });
    send({ kind: 'attach', attach: { protocolMin: 1, protocolMax: 1, features: 0, sessionId: sid, password: pw, nonce: 'n' + n, timeoutMs: 6000, lastZxid: seen, clusterId: '', attempt: ++attempt } });
    const beat = (i: number): void => { scheduler.after(500000, () => { if (!st.isOver) { send({ kind: 'heartbeat', heartbeat: { number: i } }); beat(i + 1); } }); };
    beat(1);
  };
  go();
}
for (let n = 0; n < 4; n++) client(n);
faults.begin();
scheduler.after(config.faultsUs, () => faults.end());
const t0 = performance.now();
await scheduler.run({ done: () => fail !== undefined, limitUs: 15e6, afterEach: () => {
  for (const id of stepped) { const s = cluster.running(id); if (s) { checkServer(s); checker.state(id, s.inspect()); } } stepped.clear(); } });
console.log('fail', fail, scheduler.nowUs / 1e6, 's', scheduler.events, 'events', performance.now() - t0, 'ms');
for (const id of cluster.members) console.log(id, cluster.running(id)?.inspect());
console.log('acked', acked, 'elections', checker.logs.elections, 'history', checker.history.length, tally.toRecord());
