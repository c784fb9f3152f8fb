import { run } from '../src/program.ts';
import { END } from './command-host.ts';

/** Runs the command lines it is sent, each as `zabra` would, and marks on both streams where its output ends. */
process.on('message', (argv: readonly string[]) => {
  void run(argv).then((code) => {
    process.stdout.write(END);
    process.stderr.write(END, () => process.send?.(code));
  });
});
