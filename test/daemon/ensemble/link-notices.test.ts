import t from 'tap'
import { LinkNotices } from '../../../src/daemon/ensemble/link-notices.ts'
import { silentLogger } from '../../../src/logger.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { VirtualClock } from '../../virtual-clock.ts'

function made() {
  const lines: { readonly message: string; readonly reason?: string }[] = []
  const logger = {
    ...silentLogger,
    warn: (fields: object, message: string) => lines.push({ ...fields, message }),
  }
  return { lines, notices: new LinkNotices(logger, new VirtualClock()) }
}

const peer = 2 as ServerId

t.test('a refusal is logged once for one host, whichever port it comes from', async (t) => {
  const { lines, notices } = made()
  for (const address of ['10.0.0.2:4001', '10.0.0.2:4002']) {
    notices.refusing({ peer, address }, `another comes from ${address}`)
  }
  t.same(lines, [
    {
      ...{ peer, address: '10.0.0.2:4001', message: 'Refusing a peer' },
      reason: 'another comes from 10.0.0.2:4001',
    },
  ])
  notices.refusing({ peer, address: '10.0.0.3:4001' }, 'another comes from 10.0.0.3:4001')
  t.equal(lines.length, 2, 'and for another host again')
})

t.test('numbers in the reason of a peer do not make it another one', async (t) => {
  const { lines, notices } = made()
  for (const port of [4001, 4002]) {
    notices.refusedBy({ peer, address: 's2:2888' }, `another comes from port ${port}`)
  }
  t.equal(lines.length, 1)
  notices.refusedBy({ peer, address: 's2:2888' }, 'the lists differ')
  t.equal(lines.length, 2)
})

t.test('a reason from outside is cut short and cannot control a terminal', async (t) => {
  const { lines, notices } = made()
  notices.refusedBy({ peer: undefined, address: 's2:2888' }, `\u001b[2J\n${'x'.repeat(5000)}`)
  t.match(lines[0]?.reason, /^\\x1b\[2J\\nx+$/)
  t.ok((lines[0]?.reason?.length ?? 0) < 1010)
})
