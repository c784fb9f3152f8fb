import { JuteWriter } from '../src/writer.ts';

/** What follows the length, of the one frame that is written. */
export function bodyOf(write: (writer: JuteWriter) => void): Buffer {
  const writer = new JuteWriter();
  write(writer);
  const bytes = Buffer.concat(writer.take());
  const length = bytes.readInt32BE(0);
  if (length !== bytes.length - 4) throw new Error(`a length of ${length} in front of ${bytes.length - 4}`);
  return bytes.subarray(4);
}

/** Written as in hexadecimal, with blanks wherever one likes. */
export function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(/[\s|]/g, ''), 'hex');
}
