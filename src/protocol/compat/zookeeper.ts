// ZooKeeper's own client protocol as a dialect: any ZooKeeper client can talk to our servers, and
// our client to ZooKeeper's. Its two sides are zookeeper-server.ts and zookeeper-client.ts.
//
// Source: ZooKeeper 3.9, zookeeper.jute and its server and clients.

import type { ClientCodec, Dialect, ServerCodec } from '../dialect.ts'
import { JuteReader } from './jute.ts'
import { ZooKeeperClientCodec } from './zookeeper-client.ts'
import { ZooKeeperServerCodec } from './zookeeper-server.ts'

export class ZooKeeperDialect implements Dialect {
  readonly #reader = new JuteReader()

  /** The hello's protocol version, which is 0. */
  begins(byte: number): boolean {
    return byte === 0
  }

  serverCodec(): ServerCodec {
    return new ZooKeeperServerCodec(this.#reader)
  }

  clientCodec(): ClientCodec {
    return new ZooKeeperClientCodec()
  }
}
