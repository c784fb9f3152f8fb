interface Listeners {
  readonly all: Set<() => void>;
  readonly tell: () => void;
}

const heard = new WeakMap<AbortSignal, Listeners>();

/**
 * Runs `listener` when the signal aborts, unless the answer was called before; never for a signal that is aborted
 * already. However many listen here, the signal has one listener: at the eleventh the platform would warn of a leak,
 * and one session is listened to by each lock that it holds.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const listeners = heard.get(signal) ?? listenTo(signal);
  listeners.all.add(listener);
  return () => {
    listeners.all.delete(listener);
    if (listeners.all.size > 0 || heard.get(signal) !== listeners) return;
    heard.delete(signal);
    signal.removeEventListener('abort', listeners.tell);
  };
}

function listenTo(signal: AbortSignal): Listeners {
  const all = new Set<() => void>();
  const tell = (): void => {
    for (const each of [...all]) if (all.delete(each)) each();
  };
  const listeners = { all, tell };
  heard.set(signal, listeners);
  signal.addEventListener('abort', tell, { once: true });
  return listeners;
}
