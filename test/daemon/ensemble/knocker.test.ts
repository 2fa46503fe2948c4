import t from 'tap'
import { Knocker } from '../../../src/daemon/ensemble/knocker.ts'
import { PeerAddresses } from '../../../src/daemon/ensemble/peer-addresses.ts'
import { DiallerProof } from '../../../src/daemon/ensemble/peer-proof.ts'
import { DialledVersions } from '../../../src/daemon/ensemble/peer-versions.ts'
import { MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import type { PeerHello } from '../../../src/protocol/peer/hello.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { VirtualClock } from '../../virtual-clock.ts'

const [self, larger] = [1 as ServerId, 3 as ServerId]
const hello: PeerHello = {
  ...{ type: 'hello', serverId: self, instance: 7, members: [], groups: undefined },
  ...{ ensembleId: 'e', holdsHistory: true, challenge: undefined },
}

/** Server 1, which server 3 does not dial. */
function made() {
  const clock = new VirtualClock()
  const knockedAtMs: number[] = []
  const out = new MsgpackWriter()
  const link = {
    beginFrame: () => {
      out.beginFrame()
      return out
    },
    endFrame: () => out.endFrame(),
    established: () => undefined,
    close: () => undefined,
    destroy: () => undefined,
  }
  const dial = () => {
    knockedAtMs.push(clock.nowMs())
    return link
  }
  const state = { isLinked: false }
  const knocker = new Knocker({
    peers: () => [larger],
    addresses: new PeerAddresses(new Map([[larger, [{ host: 's3', port: 1 }]]])),
    transport: { dial } as never,
    clock,
    versions: new DialledVersions(),
    proof: () => new DiallerProof({ self, instance: 7, secret: undefined }),
    hello: () => hello,
    isLinked: () => state.isLinked,
    onRefused: () => undefined,
  })
  knocker.start()
  return { clock, knocker, knockedAtMs, state }
}

t.test('a server knocks every 3 s where it has no link', async (t) => {
  const { clock, knockedAtMs, state } = made()
  clock.advanceNow(6000)
  state.isLinked = true
  clock.advanceNow(6000)
  t.same(knockedAtMs, [3000, 6000])
})

t.test('it pauses for 30 s after a refusal, but not once there was a link again', async (t) => {
  const { clock, knocker, knockedAtMs } = made()
  knocker.refused(larger)
  clock.advanceNow(30_000)
  t.same(knockedAtMs, [30_000])
  knocker.refused(larger)
  knocker.linked(larger)
  clock.advanceNow(3000)
  t.same(knockedAtMs, [30_000, 33_000])
})
