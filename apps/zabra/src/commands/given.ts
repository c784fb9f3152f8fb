export type GivenValue = string | number | true | readonly string[];

/** What was typed behind a command's name, by the names of its arguments and options; read by its specs already. */
export class Given {
  readonly #values: ReadonlyMap<string, GivenValue>;

  constructor(values: ReadonlyMap<string, GivenValue>) {
    this.#values = values;
  }

  /** Of a required argument, or an option known to be there. */
  text(name: string): string {
    return String(this.#values.get(name));
  }

  textOrNone(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  number(name: string): number | undefined {
    const value = this.#values.get(name);
    return typeof value === 'number' ? value : undefined;
  }

  /** Of an argument that may come several times. */
  list(name: string): readonly string[] {
    const value = this.#values.get(name);
    return typeof value === 'object' ? value : [];
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  get path(): string {
    return this.text('path');
  }

  /** `{ version }`, or nothing where any will do. */
  get version(): { readonly version?: number } {
    const version = this.number('version');
    return version === undefined || version < 0 ? {} : { version };
  }
}
