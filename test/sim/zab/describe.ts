// Messages, roles and zxids as a trace shows them.

import type { ZabRole } from '../../../src/daemon/zab/types.ts'
import type { ZabMessage } from '../../../src/protocol/peer/messages.ts'
import { counterOf, epochOf, type Zxid } from '../../../src/protocol/zxid.ts'
import { recordsOf } from './records.ts'

export function describeZxid(zxid: Zxid): string {
  return `${epochOf(zxid)}:${counterOf(zxid)}`
}

export function describeRole(role: ZabRole): string {
  if (role.type === 'looking') return 'looking'
  const epoch = role.epoch === 0 ? '' : ` in epoch ${role.epoch}`
  return role.type === 'leading' ? `leading${epoch}` : `following ${role.leader}${epoch}`
}

export function describeMessage(message: ZabMessage): string {
  switch (message.type) {
    case 'NOTIFICATION': {
      const { vote, role, round, establishedEpoch } = message
      return `NOTIFICATION ${role} ${vote.id} (${vote.epoch}, ${describeZxid(vote.zxid)}) round ${round} established ${establishedEpoch}`
    }
    case 'CEPOCH':
      return `CEPOCH accepted ${message.acceptedEpoch}`
    case 'NEWEPOCH':
      return `NEWEPOCH ${message.epoch}${message.founds === undefined ? '' : ', the first'}`
    case 'NEWLEADER':
    case 'ACKNEWLEADER':
      return `${message.type} ${message.epoch}`
    case 'ACKEPOCH':
      return `ACKEPOCH current ${message.currentEpoch} log ${describeZxid(message.lastZxid)} counts ${message.counts}`
    case 'CONFIGURATION':
      return `CONFIGURATION ${describeZxid(message.version)} of ${message.voters.join(', ')}`
    case 'DIFF':
      return `DIFF after ${describeZxid(message.after)}`
    case 'TRUNC':
      return `TRUNC to ${describeZxid(message.to)}`
    case 'SNAP':
      return 'SNAP'
    case 'ACKSNAP':
      return `ACKSNAP ${describeZxid(message.lastZxid)}`
    case 'PROPOSAL':
    case 'INFORM':
      return `${message.type} ${recordsOf(message.entries)
        .map((record) => `${describeZxid(record.zxid)}=${record.payload}`)
        .join(' ')}`
    case 'UPTODATE':
      return `UPTODATE committed ${describeZxid(message.committed)}`
    case 'ACK':
    case 'COMMIT':
      return `${message.type} ${describeZxid(message.zxid)}`
    case 'HOLD':
    case 'HELD':
      return `${message.type} ${message.attempt}`
    case 'RESUME':
      return 'RESUME'
    case 'SUCCESSOR':
      return `SUCCESSOR ${message.successor} after ${describeZxid(message.zxid)}`
    case 'PING':
    case 'PONG':
      return `${message.type} ${message.round}`
  }
}
