import t from 'tap'
import { ProtocolError } from '../../../src/protocol/error-codes.ts'
import { MsgpackReader, MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import { IdentitiesCodec } from '../../../src/protocol/peer/identities.ts'
import {
  decodePeerMessage,
  encodePeerMessage,
  type PeerMessage,
} from '../../../src/protocol/peer/messages.ts'
import type { ServerId, SessionId } from '../../../src/protocol/records.ts'
import { epochMax, type Zxid } from '../../../src/protocol/zxid.ts'
import { Random } from '../../../src/random.ts'

const zxid = (2 ** 33) as Zxid
const session = 4294967297 as SessionId
const bytes = Buffer.from('00000001610000000262630000000', 'hex').subarray(0, 11)

const messages: PeerMessage[] = [
  {
    type: 'NOTIFICATION',
    vote: { epoch: 3, zxid, id: 2 as ServerId },
    round: 7,
    role: 'following',
    establishedEpoch: 4,
    initialised: true,
  },
  { type: 'CEPOCH', acceptedEpoch: 3, currentEpoch: 2, initialised: false },
  { type: 'NEWEPOCH', epoch: 4, founds: 'e' },
  { type: 'NEWEPOCH', epoch: 5, founds: undefined },
  { type: 'ACKEPOCH', currentEpoch: 3, lastZxid: zxid, counts: true },
  { type: 'DIFF', after: zxid },
  { type: 'TRUNC', to: zxid },
  { type: 'PROPOSAL', entries: { first: zxid, count: 2, bytes } },
  { type: 'NEWLEADER', epoch: 4, ensembleId: 'e' },
  { type: 'ACKNEWLEADER', epoch: 4 },
  { type: 'UPTODATE', committed: zxid },
  { type: 'ACK', zxid },
  { type: 'COMMIT', zxid },
  { type: 'PING', round: 9 },
  { type: 'PONG', round: 9 },
  {
    type: 'REQUEST',
    seq: 8,
    session,
    identities: [{ scheme: 'ip', id: '127.0.0.1' }],
    request: { type: 'setData', path: '/a', data: Buffer.from('x'), version: -1 },
  },
  { type: 'ATTACH', seq: 9, session, password: Uint8Array.of(1, 2, 3), timeoutMs: 4000 },
  { type: 'SYNC', seq: 10 },
  { type: 'TOUCH', sessions: [session] },
  { type: 'ATTACHED', seq: 9, zxid, timeoutMs: 0 },
  { type: 'SYNCED', seq: 10, zxid },
  { type: 'MOVED', session },
  { type: 'DIGEST', zxid, high: 0xffffffff, low: 7 },
  { type: 'SNAP' },
  { type: 'ACKSNAP', lastZxid: zxid },
  { type: 'SNAPCHUNK', bytes },
  { type: 'SNAPEND', zxid, count: 3, checksum: 0xfedcba98 },
  { type: 'SNAPTAKEN', count: 2 },
  { type: 'MEMBER', ensembleId: 'e' },
  { type: 'REFUSED', reason: 'why' },
  { type: 'PROBE' },
  { type: 'PROBED' },
]

function written(message: PeerMessage): Buffer {
  const out = new MsgpackWriter()
  encodePeerMessage(out, message, new IdentitiesCodec())
  return Buffer.from(out.view())
}

const reader = (buffer: Buffer): MsgpackReader =>
  new MsgpackReader().reset(buffer, 0, buffer.length)

function decode(buffer: Buffer): PeerMessage {
  return decodePeerMessage(reader(buffer), new IdentitiesCodec())
}

t.test('every peer message round trips', async (t) => {
  for (const message of messages) {
    t.same(decode(written(message)), message, message.type)
  }
})

t.test('peer messages cut short or changed give a message or a ProtocolError', async (t) => {
  const seed = Math.floor(Math.random() * 1e9)
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  for (const message of messages) {
    const buffer = written(message)
    for (let end = 0; end < buffer.length; end++) {
      t.throws(() => decode(buffer.subarray(0, end)), ProtocolError)
    }
    for (let i = 0; i < 300; i++) {
      const changed = Buffer.from(buffer)
      changed[random.below(changed.length)] = random.below(256)
      try {
        decode(changed)
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
      }
    }
  }
})

t.test('a proposal whose bytes do not hold its entries is refused', async (t) => {
  for (const count of [0, 1, 3]) {
    const lie = written({ type: 'PROPOSAL', entries: { first: zxid, count, bytes } })
    t.throws(() => decode(lie), ProtocolError)
  }
})

t.test('an epoch or a proposal that no server can reach is refused', async (t) => {
  const beyond = epochMax + 1
  const vote = { epoch: beyond, zxid, id: 2 as ServerId }
  const word = { type: 'NOTIFICATION', round: 1, role: 'leading', initialised: true } as const
  const lies: PeerMessage[] = [
    { ...word, vote, establishedEpoch: 1 },
    { ...word, vote: { ...vote, epoch: 1 }, establishedEpoch: beyond },
    { type: 'CEPOCH', acceptedEpoch: beyond, currentEpoch: 1, initialised: true },
    { type: 'CEPOCH', acceptedEpoch: 1, currentEpoch: beyond, initialised: true },
    { type: 'NEWEPOCH', epoch: beyond, founds: undefined },
    { type: 'ACKEPOCH', currentEpoch: beyond, lastZxid: zxid, counts: true },
    { type: 'NEWLEADER', epoch: beyond, ensembleId: 'e' },
    { type: 'ACKNEWLEADER', epoch: beyond },
    { type: 'PROPOSAL', entries: { first: (2 ** 33 - 1) as Zxid, count: 2, bytes } },
  ]
  for (const lie of lies) t.throws(() => decode(written(lie)), ProtocolError, lie.type)
  const last = { type: 'NEWEPOCH', epoch: epochMax, founds: undefined } as const
  t.same(decode(written(last)), last)
})

t.test('requests of one client and of another keep their identities apart', async (t) => {
  const [ours, theirs] = [new IdentitiesCodec(), new IdentitiesCodec()]
  const lists = [
    [{ scheme: 'ip', id: '10.0.0.1' }],
    [{ scheme: 'ip', id: '10.0.0.2' }],
    [
      { scheme: 'ip', id: '10.0.0.1' },
      { scheme: 'digest', id: 'ann:é' },
    ],
    [],
  ]
  const out = new MsgpackWriter()
  for (const at of [0, 0, 1, 1, 0, 2, 3, 2, 0]) {
    const identities = lists[at] ?? []
    out.clear()
    const request = { type: 'closeSession' } as const
    encodePeerMessage(out, { type: 'REQUEST', seq: 1, session, identities, request }, ours)
    const bytes = Buffer.from(out.view())
    t.match(decodePeerMessage(reader(bytes), theirs), { identities })
    bytes.fill(0) // the next one must not be compared with what is gone
  }
})

t.test('identities that break off leave those before them as they were', async (t) => {
  const codec = new IdentitiesCodec()
  const out = new MsgpackWriter()
  codec.encode(out, [{ scheme: 'ip', id: '10.0.0.1' }])
  const whole = Buffer.from(out.view())
  const before = codec.decode(reader(whole))
  for (const list of ['92a2697091a0', '9192a27878a17900', '9191a0']) {
    out.clear()
    out.bytes(Buffer.from(list, 'hex'))
    t.throws(() => codec.decode(reader(Buffer.from(out.view()))), ProtocolError, list)
    t.equal(codec.decode(reader(whole)), before)
  }
})

t.test('a request that is no write is refused between servers', async (t) => {
  for (const op of [3, 11, 13, 999]) {
    const out = new MsgpackWriter()
    out.arrayHeader(4)
    out.int(20)
    out.int(session)
    out.nil()
    out.arrayHeader(4)
    out.int(1)
    out.int(op)
    out.string('/a')
    out.boolean(true)
    t.throws(() => decode(Buffer.from(out.view())), /no write/)
  }
})
