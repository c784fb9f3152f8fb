/** Where something listens or is dialled. IPv6 is written in brackets: `[::1]:5182`. */
export interface Address {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

const PORT_MAX = 65_535;

/** `host:port` taken apart; undefined when it is not one. Port 0 is left to the caller to refuse. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > PORT_MAX ? undefined : { host, port };
}

/** Only this machine reaches it. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Every interface: good to listen on, no place to dial. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || /^[0:]+$/.test(host);
}
