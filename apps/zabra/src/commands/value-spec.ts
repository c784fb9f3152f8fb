/** What an option takes; `label` stands for it in a usage. */
export type ValueSpec =
  | { readonly kind: 'text'; readonly label: string }
  | { readonly kind: 'zxid'; readonly label: string }
  | {
      readonly kind: 'number';
      readonly label: string;
      readonly min: number;
      readonly max: number;
      /** What -1 means, where it is accepted. */
      readonly minusOne?: string;
    };

/** An option's value as it is meant, or what it needs to be. */
export function readValue(
  spec: ValueSpec,
  written: string,
): { readonly value: string | number } | { readonly fault: string } {
  switch (spec.kind) {
    case 'text':
      return { value: written };
    case 'zxid':
      if (/^(0x[0-9a-fA-F]{1,16}|\d{1,19})$/.test(written)) return { value: written };
      return { fault: 'It needs a zxid, as 0x100000002.' };
    case 'number': {
      if (written === '-1' && spec.minusOne !== undefined) return { value: -1 };
      const value = Number(written);
      if (/^\d+$/.test(written) && value >= spec.min && value <= spec.max) return { value };
      const also = spec.minusOne === undefined ? '' : `, or -1 for ${spec.minusOne}`;
      return { fault: `It needs a whole number from ${spec.min} to ${spec.max}${also}.` };
    }
  }
}
