// The dialects that a client can speak, by name.

import { ZooKeeperDialect } from '../../protocol/compat/zookeeper.ts'
import type { ClientCodec, Dialect } from '../../protocol/dialect.ts'
import { NativeDialect } from '../../protocol/zk/native-dialect.ts'

const dialects = { native: NativeDialect, jute: ZooKeeperDialect } as const satisfies Readonly<
  Record<string, new () => Dialect>
>

/** `native` is our own, `jute` is ZooKeeper's, which ZooWeeper and ZooKeeper servers understand. */
export type DialectName = keyof typeof dialects

export const dialectNames = Object.keys(dialects) as readonly DialectName[]

export function clientCodecOf(name: DialectName): ClientCodec {
  return new dialects[name]().clientCodec()
}
