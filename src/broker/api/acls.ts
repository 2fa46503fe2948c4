// Changes rules of access for a client that may (access.ts). A change is in force on this broker when it is
// done, and on the others when they have seen the znode.
//
// Next on the path: client/zk/acl-znodes.ts.

import { addEntry, removeEntry } from '../../client/zk/acl-znodes.ts'
import type { AclRule } from '../../protocol/mq/acls.ts'
import type { BrokerParts } from './broker-parts.ts'
import { openSession } from './open-session.ts'

/** @throws BrokerError, ZkError */
export async function addRule(parts: BrokerParts, rule: AclRule): Promise<void> {
  const session = openSession(parts, 'add a rule of access')
  await addEntry(session.zk, rule, rule)
  await session.readRules(rule)
}

/** @throws BrokerError, ZkError */
export async function removeRule(parts: BrokerParts, rule: AclRule): Promise<void> {
  const session = openSession(parts, 'remove a rule of access')
  await removeEntry(session.zk, rule, rule)
  await session.readRules(rule)
}
