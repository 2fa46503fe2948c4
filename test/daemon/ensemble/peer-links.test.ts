import t from 'tap'
import { LinkNotices } from '../../../src/daemon/ensemble/link-notices.ts'
import { PeerLink } from '../../../src/daemon/ensemble/peer-link.ts'
import { PeerLinks } from '../../../src/daemon/ensemble/peer-links.ts'
import { silentLogger } from '../../../src/logger.ts'
import { MsgpackReader, MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import { decodePeerMessage, encodePeerMessage } from '../../../src/protocol/peer/codec.ts'
import { IdentitiesCodec } from '../../../src/protocol/peer/identities.ts'
import type { PeerMessage } from '../../../src/protocol/peer/messages.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { VirtualClock } from '../../virtual-clock.ts'

const two = 2 as ServerId
const identities = new IdentitiesCodec()

function frameOf(message: PeerMessage): MsgpackReader {
  const out = new MsgpackWriter()
  encodePeerMessage(out, message, identities)
  const bytes = Buffer.from(out.view())
  return new MsgpackReader().reset(bytes, 0, bytes.length)
}

/** The links of server 1, and what became of them. */
function made(ensembleId?: string) {
  const clock = new VirtualClock()
  const state = { ensembleId }
  /** what `PeerLinks` reported, and what was logged, in order */
  const events: string[] = []
  const logger = {
    ...silentLogger,
    warn: (fields: Record<string, unknown>, message: string) => {
      events.push(`${message}: ${fields['reason']}`)
    },
  }
  const links: PeerLinks = new PeerLinks({
    ensembleId: () => state.ensembleId,
    clock,
    notices: new LinkNotices(logger, clock),
    onConnected: (peer, { isMember, voters }) => {
      events.push(`connected ${peer}${isMember ? ', a member' : ''}${voters ?? ''}`)
    },
    onMember: (peer) => events.push(`member ${peer}`),
    onDisconnected: (peer) => events.push(`disconnected ${peer}`),
    onRefused: (peer) => events.push(`refused ${peer}`),
    onMessage: (peer, { type }) => events.push(`${type} of ${peer}`),
  })
  return { clock, links, state, events }
}

/** A link to server 2, and what was sent on it. */
function linkTo2({ instance = 7, isDialled = true, named = '', isMember = false } = {}) {
  const sent: PeerMessage[] = []
  let out = new MsgpackWriter()
  const link = {
    congested: false,
    beginFrame: () => {
      out = new MsgpackWriter()
      return out
    },
    endFrame: () => {
      const bytes = Buffer.from(out.view())
      const reader = new MsgpackReader().reset(bytes, 0, bytes.length)
      sent.push(decodePeerMessage(reader, identities))
    },
    close: () => undefined,
    destroy: () => undefined,
  }
  const ensembleId = named === '' ? undefined : named
  const peer = new PeerLink(link as never, identities, {
    hello: {
      ...{ type: 'hello', serverId: two, instance, members: [], groups: undefined },
      ...{ ensembleId, holdsHistory: false, challenge: undefined },
    },
    ...{ address: 's2:1', isDialled, told: undefined, isMember },
  })
  return { peer, sent }
}

t.test('a peer that we dialled is told our ensemble as soon as it has a name', async (t) => {
  const { links, state } = made()
  const { peer, sent } = linkTo2()
  links.add(peer, undefined)
  t.same(sent, [])
  state.ensembleId = 'e'
  links.membershipChanged()
  links.membershipChanged()
  t.same(sent, [{ type: 'MEMBER', ensembleId: 'e' }], 'once')
})

t.test('a peer that dialled us is told it once it names the same one', async (t) => {
  const { links, events } = made('e')
  const { peer, sent } = linkTo2({ isDialled: false })
  links.add(peer, undefined)
  links.received(peer, frameOf({ type: 'MEMBER', ensembleId: 'guess' }))
  t.same(sent, [])
  for (let i = 0; i < 2; i++) links.received(peer, frameOf({ type: 'MEMBER', ensembleId: 'e' }))
  t.same(sent, [{ type: 'MEMBER', ensembleId: 'e' }])
  t.same(events, ['connected 2', 'member 2'])
})

t.test('a link that ends by itself is reported, one that we end is not', async (t) => {
  const { links, events } = made()
  const [first, second] = [linkTo2(), linkTo2()]
  links.add(first.peer, undefined)
  links.closed(first.peer)
  links.closed(first.peer)
  t.same(events.splice(0), ['connected 2', 'disconnected 2'], 'once')
  links.add(second.peer, undefined)
  links.disconnect(two)
  links.closed(second.peer)
  t.same(events, ['connected 2'])
  t.equal(links.linkCount, 0)
})

t.test('a link that is no longer open delivers nothing', async (t) => {
  const { links, events } = made()
  const { peer } = linkTo2()
  links.add(peer, undefined)
  links.received(peer, frameOf({ type: 'PONG', round: 1 }))
  links.disconnect(two)
  links.received(peer, frameOf({ type: 'PONG', round: 2 }))
  t.same(events, ['connected 2', 'PONG of 2'])
})

t.test('a refusal by either side is passed on, and that of the peer is logged', async (t) => {
  const { links, events } = made()
  const { peer, sent } = linkTo2()
  links.add(peer, undefined)
  links.received(peer, frameOf({ type: 'REFUSED', reason: 'not\nyou' }))
  t.same(events.splice(0), ['connected 2', 'refused 2', 'Refused by a peer: not\\nyou'])
  links.refuse(two, 'nor you')
  t.same(events, ['refused 2'])
  t.same(sent, [{ type: 'REFUSED', reason: 'nor you' }])
})

t.test('a process that answers the probe keeps its id', async (t) => {
  const { links } = made()
  const { peer, sent } = linkTo2()
  const states: string[] = []
  links.add(peer, undefined)
  t.ok(links.maybeChallenge(peer, (state) => states.push(state)))
  t.same(sent, [{ type: 'PROBE' }])
  links.received(peer, frameOf({ type: 'PROBED' }))
  t.same(states, ['alive'])
})

t.test('a probe is answered', async (t) => {
  const { links } = made()
  const { peer, sent } = linkTo2()
  links.add(peer, undefined)
  links.received(peer, frameOf({ type: 'PROBE' }))
  t.same(sent, [{ type: 'PROBED' }])
})

const ends: readonly (readonly [string, (links: PeerLinks, peer: PeerLink) => void, string])[] = [
  ['its link ends by itself', (links, peer) => links.closed(peer), 'gone'],
  ['its process links again', (links) => links.endEarlier(two, 7), 'alive'],
  ['another process gets the link', (links) => links.endEarlier(two, 8), 'unknown'],
  ['we end the link', (links) => links.disconnect(two), 'unknown'],
  ['all links are closed', (links) => links.close(), 'unknown'],
]
for (const [what, end, want] of ends) {
  t.test(`the challenge of a server is settled when ${what}: ${want}`, async (t) => {
    const { clock, links } = made()
    const { peer } = linkTo2({ instance: 7 })
    const states: string[] = []
    links.add(peer, undefined)
    links.maybeChallenge(peer, (state) => states.push(state))
    end(links, peer)
    t.same(states, [want])
    t.equal(clock.timerCount, 0)
  })
}

t.test('an earlier link is reported as ended before the next one is connected', async (t) => {
  const { links, events } = made()
  const [first, second] = [linkTo2(), linkTo2({ isMember: true })]
  for (const { peer } of [first, second]) {
    links.endEarlier(two, 7)
    links.add(peer, undefined)
  }
  links.closed(first.peer)
  t.same(events, ['connected 2', 'disconnected 2', 'connected 2, a member'])
  t.same(links.connected, [two])
})

t.test('a displaced process learns why, and its end is reported', async (t) => {
  const { links, events } = made()
  const { peer, sent } = linkTo2()
  links.add(peer, undefined)
  links.displace(peer, 'two processes')
  t.same(sent, [{ type: 'REFUSED', reason: 'two processes' }])
  const displaced = ['Refusing a peer: two processes', 'refused 2', 'disconnected 2']
  t.same(events, ['connected 2', ...displaced])
  t.equal(links.open.size, 0)
})
