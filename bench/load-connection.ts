// What a load needs of a connection, whichever protocol it speaks: RawConnection for our own and for
// ZooKeeper's, EtcdConnection for etcd's.

import type { Address } from '../src/address.ts'
import type { ReplyBody, Request } from '../src/protocol/zk/messages.ts'
import { EtcdConnection } from './etcd/etcd-connection.ts'
import { dialectNames, RawConnection } from './raw-connection.ts'

export const protocolNames = [...dialectNames, 'etcd'] as const
export type ProtocolName = (typeof protocolNames)[number]

export interface LoadConnection {
  /** requests sent and not yet answered */
  readonly outstanding: number
  /** Called for each answer, with the mark of its request; `err` is 0 on success. */
  onReply: (err: number, mark: number) => void
  /** Called after the answers that arrived together, to send the next requests. */
  onTurn: () => void
  /** A request's bytes, which may be sent many times. */
  template(request: Request): Buffer
  /** Queues one request; `flush` sends the queue. */
  send(template: Buffer, mark: number): void
  flush(): void
  /** A single request while no other is on its way. Rejects with the error code. */
  request<Body extends Request>(request: Body): Promise<Extract<ReplyBody, { type: Body['type'] }>>
  close(): void
}

export interface ConnectOptions {
  readonly protocol: ProtocolName
  readonly timeoutMs: number
  /** called at least once when the connection ends, even after `close` */
  readonly failed: (error: Error) => void
}

export function connect(
  server: Address,
  { protocol, timeoutMs, failed }: ConnectOptions,
): Promise<LoadConnection> {
  if (protocol === 'etcd') return EtcdConnection.connect(server, failed)
  return RawConnection.connect(server, { dialect: protocol, timeoutMs, failed })
}
