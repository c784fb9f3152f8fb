import { getAcl, setAcl } from './acl.ts';
import type { DataCommand } from './command.ts';
import { count } from './count.ts';
import { create } from './create.ts';
import { deleteAll, remove } from './delete.ts';
import { ephemerals } from './ephemerals.ts';
import { get } from './get.ts';
import { ls } from './ls.ts';
import { multiRead } from './multiread.ts';
import { deleteQuota, listQuota, setQuota } from './quota.ts';
import { set } from './set.ts';
import { exists, stat } from './stat.ts';
import { sync } from './sync.ts';
import { touch } from './touch.ts';
import { transaction } from './transaction.ts';
import { watch } from './watch.ts';
import { whoami } from './whoami.ts';

/** Every operation, in the order in which help shows them. */
export const DATA_COMMANDS: readonly DataCommand[] = [
  ls,
  get,
  set,
  create,
  remove,
  deleteAll,
  stat,
  exists,
  touch,
  count,
  ephemerals,
  getAcl,
  setAcl,
  whoami,
  setQuota,
  listQuota,
  deleteQuota,
  transaction,
  multiRead,
  sync,
  watch,
];
