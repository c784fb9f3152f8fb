/** Each with its line feed; of none, nothing. */
export function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}

/** Rounded to four places and never without one, as ZooKeeper writes a mean: `1.6964`, `0.0`. */
export function javaDecimal(value: number): string {
  const rounded = Math.round(value * 10_000) / 10_000;
  return Number.isInteger(rounded) ? `${rounded}.0` : String(rounded);
}

/** `Sat Nov 28 19:58:44 UTC 2026`. */
export function javaDate(ms: number): string {
  const date = new Date(ms);
  const [weekday = '', day = '', month = '', year = '', time = ''] = date.toUTCString().split(/,? /);
  return `${weekday} ${month} ${day} ${time} UTC ${year}`;
}

/** As Java writes a long in hexadecimal: negative ones as they lie in memory. */
export function hexadecimal(value: number): string {
  return `0x${value < 0 ? BigInt.asUintN(64, BigInt(value)).toString(16) : value.toString(16)}`;
}
