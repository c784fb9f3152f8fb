/** Writes to standard output and waits until it is taken, so that the process may end right after. */
export function print(data: string | Uint8Array): Promise<void> {
  return write(process.stdout, data);
}

/** For people: progress, warnings, errors. */
export function printError(data: string): Promise<void> {
  return write(process.stderr, data);
}

/** Rows as columns, the first row the headings. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

function write(stream: NodeJS.WriteStream, data: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(data, (error) => {
      // The reader went away (`zabra ls / | head -1`): nothing is left to tell it.
      if (error && (error as NodeJS.ErrnoException).code !== 'EPIPE') reject(error);
      else resolve();
    });
  });
}
