/**
 * What a client of ZooKeeper's wire means by null: data that are empty everywhere, and null to whoever can tell the two
 * apart. It is this very array, and no other empty one.
 */
export const NULL_DATA: Uint8Array = new Uint8Array(0);
