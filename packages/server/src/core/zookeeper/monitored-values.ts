import type { Latencies, Spread } from './serve-statistics.ts';
import { javaDecimal, lines } from './word-text.ts';
import type { Leading, ServingRole, WordsSource } from './words-source.ts';

type Value = readonly [key: string, value: number | string];

/**
 * `mntr`: one key and value a line, a tab between them. ZooKeeper's keys in its order, then `zk_followers`, which older
 * ones had and monitors still ask for, then ours. Never what is not a number but for the first three, which monitors know.
 *
 * What ZooKeeper counts and is absent here, as throttling, is 0, which is true; what is not counted is left out. Some
 * monitors read no more than 4 KiB: what they look for stands within.
 */
export function monitoredValues(source: WordsSource, role: ServingRole): string {
  const leading = role === 'leader' ? source.leading() : undefined;
  const values = [
    ...gauges(source, role, leading),
    ...counters(source),
    ...durations(source),
    ...own(source, leading),
  ];
  return lines(values.map(([key, value]) => `zk_${key}\t${value}`));
}

function gauges(source: WordsSource, role: ServingRole, leading: Leading | undefined): readonly Value[] {
  const { version, statistics } = source;
  const { latency, responseSizes, proposalSizes } = statistics;
  const state = source.state();
  const files = source.openFiles();
  const ofLeader = (values: (leading: Leading) => readonly Value[]): readonly Value[] =>
    leading === undefined ? [] : values(leading);
  const peerState = role === 'leader' ? 'leading' : role === 'follower' ? 'following' : undefined;
  return [
    ['version', version],
    ['server_state', role],
    ...(peerState === undefined ? [] : [['peer_state', `${peerState} - ${state.phase}`] as const]),
    ['ephemerals_count', state.ephemerals],
    ['num_alive_connections', state.connections],
    ['avg_latency', javaDecimal(latency.meanMs)],
    ...ofLeader(() => [['min_proposal_size', proposalSizes.min]]),
    ['outstanding_requests', state.outstanding],
    ['znode_count', state.nodes],
    ['global_sessions', state.sessions],
    ['last_client_response_size', responseSizes.last],
    ['packets_sent', statistics.packetsSent],
    ['packets_received', statistics.packetsReceived],
    ...ofLeader(() => [['max_proposal_size', proposalSizes.max]]),
    ['max_client_response_size', responseSizes.max],
    ...ofLeader(({ syncedFollowers }) => [['synced_followers', syncedFollowers]]),
    ['connection_drop_probability', '0.0'],
    ['watch_count', state.watches],
    ...ofLeader(() => [
      ['synced_non_voting_followers', 0],
      ['synced_observers', 0],
    ]),
    ['auth_failed_count', statistics.authFailures],
    ['min_latency', Math.round(latency.minMs)],
    ...(files === undefined ? [] : [['max_file_descriptor_count', files.max] as const]),
    ['approximate_data_size', state.dataBytes],
    ...(files === undefined ? [] : [['open_file_descriptor_count', files.open] as const]),
    ...ofLeader(({ followers, syncedFollowers, forMs }) => [
      ['last_proposal_size', proposalSizes.last],
      // Connected, and not come up to the leader yet.
      ['pending_syncs', followers - syncedFollowers],
      ['leader_uptime', Math.round(forMs)],
    ]),
    ['local_sessions', 0],
    ['uptime', Math.round(state.uptimeMs)],
    ['max_latency', Math.round(latency.maxMs)],
    ...ofLeader(({ followers }) => [['learners', followers]]),
    ['min_client_response_size', responseSizes.min],
    ...(peerState === undefined ? [] : [['quorum_size', state.voters] as const]),
  ];
}

function counters(source: WordsSource): readonly Value[] {
  const { statistics } = source;
  const { large, silent } = source.refusals();
  return [
    ['proposal_count', statistics.proposals],
    ['throttled_ops', 0],
    ['stale_requests_dropped', 0],
    ['large_requests_rejected', large],
    ['connection_rejected', statistics.connectionsRejected],
    ['sessionless_connections_expired', silent],
    ['looking_count', statistics.lookings],
    ['stale_requests', statistics.staleRequests],
    ['connection_drop_count', 0],
    ['bytes_received_count', statistics.bytesReceived],
    ['connection_request_count', statistics.connectionRequests],
    ['response_bytes', statistics.bytesSent],
    ['connection_revalidate_count', statistics.revalidations],
    // Whatever is unrecoverable ends the server: while it speaks, there was none.
    ['unrecoverable_error_count', 0],
    ['commit_count', statistics.commits],
  ];
}

function durations(source: WordsSource): readonly Value[] {
  const { readLatency, updateLatency } = source.statistics;
  const { fsync, snapshot } = source.durations();
  return [
    ...(fsync === undefined ? [] : summary('fsynctime', fsync)),
    ...(snapshot === undefined ? [] : summary('snapshottime', snapshot)),
    ...withPercentiles('updatelatency', updateLatency),
    ...withPercentiles('readlatency', readLatency),
  ];
}

function summary(name: string, spread: Spread): readonly Value[] {
  return [
    [`avg_${name}`, javaDecimal(spread.meanMs)],
    [`min_${name}`, Math.round(spread.minMs)],
    [`max_${name}`, Math.round(spread.maxMs)],
    [`cnt_${name}`, spread.count],
    [`sum_${name}`, Math.round(spread.sumMs)],
  ];
}

function withPercentiles(name: string, latencies: Latencies): readonly Value[] {
  return [
    ...summary(name, latencies),
    [`p50_${name}`, Math.round(latencies.percentileMs(0.5))],
    [`p95_${name}`, Math.round(latencies.percentileMs(0.95))],
    [`p99_${name}`, Math.round(latencies.percentileMs(0.99))],
    [`p999_${name}`, Math.round(latencies.percentileMs(0.999))],
  ];
}

/** What ZooKeeper 3.8 does not tell. */
function own(source: WordsSource, leading: Leading | undefined): readonly Value[] {
  const { readLatency, updateLatency } = source.statistics;
  const { zxid, epoch } = source.state();
  const { snapshotBytes, logBytes } = source.files();
  return [
    ...(leading === undefined ? [] : [['followers', leading.followers] as const]),
    ['zabra_epoch', epoch],
    ['zabra_zxid', zxid],
    ['zabra_snapshot_bytes', snapshotBytes],
    ['zabra_log_bytes', logBytes],
    ['zabra_p50_read_us', Math.round(readLatency.percentileMs(0.5) * MICROSECONDS)],
    ['zabra_p99_read_us', Math.round(readLatency.percentileMs(0.99) * MICROSECONDS)],
    ['zabra_p50_update_us', Math.round(updateLatency.percentileMs(0.5) * MICROSECONDS)],
    ['zabra_p99_update_us', Math.round(updateLatency.percentileMs(0.99) * MICROSECONDS)],
  ];
}

const MICROSECONDS = 1000;
