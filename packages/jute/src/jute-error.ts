/** `MALFORMED`: no bytes of that record. `OUT_OF_RANGE`: a 64-bit number beyond what is exact here (2^53). */
export type JuteErrorCode = 'TRUNCATED' | 'NEGATIVE_LENGTH' | 'MALFORMED' | 'OUT_OF_RANGE';

/** The bytes are not the record that was expected. `message` begins with the record and its field. */
export class JuteError extends Error {
  override readonly name = 'JuteError';
  readonly code: JuteErrorCode;

  constructor(code: JuteErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
