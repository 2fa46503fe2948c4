// What the parts of a broker use of its session with ZooWeeper: calls and events of a client, not the
// class, so that they run over any tree of znodes.

import type { EventEmitter } from 'node:events'
import type { ZkClient, ZkClientEvents } from '../../client/zk/zk-client.ts'

type Calls = Pick<
  ZkClient,
  | 'addAuth'
  | 'addWatch'
  | 'close'
  | 'connect'
  | 'create'
  | 'delete'
  | 'exists'
  | 'getACL'
  | 'getChildren'
  | 'getData'
  | 'multi'
  | 'sessionId'
  | 'sessionTimeoutMs'
  | 'setACL'
  | 'setData'
  | 'sync'
>

export type ZkAccess = Calls & Pick<EventEmitter<ZkClientEvents>, 'off' | 'on' | 'once'>
