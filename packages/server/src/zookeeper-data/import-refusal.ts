/**
 * ZooKeeper's files can't be taken over: they are damaged, not there, or hold what can't be kept. The message names the file
 * or the node, what is wrong with it, and what to do.
 */
export class ImportRefusal extends Error {
  override readonly name = 'ImportRefusal';
}
