// The exports of `import … from 'zooweeper'`: the clients, their errors, and the types of their
// arguments and results. For programs only: our own files import from the defining file.

export type { Address as ServerAddress } from '../address.ts'
export { type ErrorCode, type ErrorNumber, errorCodes, ZkError } from '../protocol/error-codes.ts'
export {
  type Acl,
  type Id,
  openAcl,
  perms,
  type SessionId,
  type Stat,
} from '../protocol/records.ts'
export type {
  AddWatchMode,
  CreateMode,
  EventType,
  MultiOp,
  MultiResult,
  ReadOp,
  ReadResult,
  WatchEvent,
  WatcherType,
} from '../protocol/zk/messages.ts'
export type { Zxid } from '../protocol/zxid.ts'
export type { Attempt } from './attempts.ts'
export * from './mq/index.ts'
export type { ServerLike, ServerList } from './server-list.ts'
export type { DialectName } from './zk/dialects.ts'
export { ZkMultiError } from './zk/errors.ts'
export type { CreateOptions, DataLike, ReadOptions, ZkClientOptions } from './zk/options.ts'
export type { SessionState } from './zk/session-events.ts'
export type { Watcher } from './zk/watch-registry.ts'
export { ZkClient, type ZkClientEvents } from './zk/zk-client.ts'
