import t from 'tap'
import { isRepeatable } from '../../../src/client/zk/call.ts'
import { type OpName, ops, type Request } from '../../../src/protocol/zk/messages.ts'

const writes: readonly OpName[] = [
  'create',
  'delete',
  'setData',
  'setACL',
  'multi',
  'createSession',
  'closeSession',
  'moveLeader',
  'reconfig',
]

t.test('requests that change something are not repeatable, and all others are', async (t) => {
  const types = (Object.keys(ops) as OpName[]).filter((type) => type !== 'check')
  for (const type of types) {
    t.equal(isRepeatable({ type } as Request), !writes.includes(type), type)
  }
})
