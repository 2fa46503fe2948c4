// The part of a ZooWeeper client that a broker uses: its calls and events, not the class, so that
// the broker's parts run over any ztree.

import type { EventEmitter } from 'node:events'
import type { ZkClient, ZkClientEvents } from '../../client/zk/zk-client.ts'

type Calls = Pick<
  ZkClient,
  | 'addAuth'
  | 'addWatch'
  | 'close'
  | 'connect'
  | 'create'
  | 'createChroot'
  | 'delete'
  | 'exists'
  | 'getACL'
  | 'getChildren'
  | 'getData'
  | 'multi'
  | 'multiRead'
  | 'sessionId'
  | 'sessionTimeoutMs'
  | 'setACL'
  | 'setData'
  | 'sync'
>

export type ZkAccess = Calls & Pick<EventEmitter<ZkClientEvents>, 'off' | 'on' | 'once'>
