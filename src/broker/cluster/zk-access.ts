// What the parts of a broker use of its session with ZooWeeper: calls and events of a client, not the
// class, so that they run over any tree of znodes.

import type { ZkClient } from '../../client/zk/zk-client.ts'

export type ZkAccess = Pick<
  ZkClient,
  | 'addWatch'
  | 'close'
  | 'connect'
  | 'create'
  | 'delete'
  | 'exists'
  | 'getChildren'
  | 'getData'
  | 'multi'
  | 'off'
  | 'on'
  | 'once'
  | 'sessionId'
  | 'sessionTimeoutMs'
  | 'setData'
  | 'sync'
>
