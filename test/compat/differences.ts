// Where our answers differ from those of ZooKeeper 3.8.0 on purpose, by the row of operations.ts
// that shows it. docs/compatibility.md has the same list; the tests compare the two.

export interface Difference {
  readonly operation: string
  /** as in docs/compatibility.md */
  readonly reason: string
}

export const differences: readonly Difference[] = [
  {
    operation: 'create: createContainer with other flags',
    reason: 'a flag that contradicts the operation is BADARGUMENTS',
  },
  {
    operation: 'create: createContainer with a sequential flag',
    reason: 'a flag that contradicts the operation is BADARGUMENTS',
  },
  {
    operation: 'acl: a list without an id',
    reason: 'an ACL without an id is INVALIDACL, as any other invalid ACL',
  },
  {
    operation: 'acl: exists without the right to read',
    reason: 'exists requires read permission, as in ZooKeeper since 3.8.4 and 3.9.2',
  },
  {
    operation: 'path: that is null, to setData and setACL',
    reason: 'a path that is null is MARSHALLINGERROR in every request',
  },
  {
    operation: 'path: that is null, in a multiRead',
    reason: 'an answer with an error has no body',
  },
  {
    operation: 'path: that is null, to sync',
    reason: 'a path that is null is MARSHALLINGERROR in every request',
  },
  {
    operation: 'path: that is null, to watch',
    reason: 'a path that is null is MARSHALLINGERROR in every request',
  },
  {
    operation: 'multi: create2 as a part',
    reason: 'create2 in a multi is answered with the Stat, as in ZooKeeper since 3.8.1',
  },
  {
    operation: 'watch: of several kinds on one path',
    reason: 'watches of several kinds on one path are kept apart, as in ZooKeeper 3.9',
  },
  {
    operation: 'watch: persistent, then recursive',
    reason: 'watches of several kinds on one path are kept apart, as in ZooKeeper 3.9',
  },
  {
    operation: 'watch: recursive, then persistent',
    reason: 'watches of several kinds on one path are kept apart, as in ZooKeeper 3.9',
  },
  {
    operation: 'watch: recursive, removed by data',
    reason: 'watches of several kinds on one path are kept apart, as in ZooKeeper 3.9',
  },
  {
    operation: 'watch: persistent, removed as such',
    reason: 'persistent watches can be removed by their kind, as in ZooKeeper 3.9',
  },
  {
    operation: 'watch: recursive, removed as such',
    reason: 'persistent watches can be removed by their kind, as in ZooKeeper 3.9',
  },
  {
    operation: 'watch: carried over: lists that are null',
    reason: 'a list of watches that is null is an empty one',
  },
  {
    operation: 'watch: the zxid of a notification',
    reason: 'a notification carries its zxid, as in ZooKeeper 3.9',
  },
  {
    operation: 'bad: deleteContainer by a client',
    reason: 'deleteContainer is internal to the ensemble: from a client it is UNIMPLEMENTED',
  },
  {
    operation: 'bad: a ping with an ordinary xid',
    reason: 'a ping is answered with its own xid',
  },
  {
    operation: 'quota: whose limits are gone',
    reason: 'once the limits are deleted, the stats of a quota keep the value written there',
  },
]
