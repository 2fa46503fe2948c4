import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { ProtocolError } from '../../../src/protocol/error-codes.ts'
import { MsgpackReader, MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import { decodePeerMessage, encodePeerMessage } from '../../../src/protocol/peer/codec.ts'
import { IdentitiesCodec } from '../../../src/protocol/peer/identities.ts'
import type { PeerMessage } from '../../../src/protocol/peer/messages.ts'
import { peerMessages } from '../../../src/protocol/peer/messages.ts'
import { type Plain, readPlains, writePlains } from '../../../src/protocol/plain.ts'
import type { ServerId, SessionId } from '../../../src/protocol/records.ts'
import { ops } from '../../../src/protocol/zk/messages.ts'
import { epochMax, type Zxid } from '../../../src/protocol/zxid.ts'
import { messagesOf, type Special } from '../field-arbitraries.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
t.comment(`SEED=${seed}`)

const zxid = (2 ** 33) as Zxid
const session = 4294967297 as SessionId
const bytes = Buffer.from('00000001610000000262630000000', 'hex').subarray(0, 11)

const special: Special = {
  entries: fc
    .tuple(
      fc.nat({ max: 2 ** 21 - 1 }),
      fc.array(fc.uint8Array({ maxLength: 9 }), { minLength: 1 }),
    )
    .map(([epoch, payloads]): Plain => {
      const bytes = payloads.map((payload) => {
        const length = Buffer.alloc(4)
        length.writeUInt32BE(payload.length)
        return Buffer.concat([length, payload])
      })
      return [epoch * 2 ** 32 + 1, payloads.length, Buffer.concat(bytes)]
    }),
}

function written(message: PeerMessage): Buffer {
  const out = new MsgpackWriter()
  encodePeerMessage(out, message, new IdentitiesCodec())
  return Buffer.from(out.view())
}

/** The message in the encoding of its table, valid or not. */
function packed(...plains: readonly Plain[]): Buffer {
  const out = new MsgpackWriter()
  writePlains(out, [plains])
  return Buffer.from(out.view())
}

function reader(buffer: Buffer): MsgpackReader {
  return new MsgpackReader().reset(buffer, 0, buffer.length)
}

function decode(buffer: Buffer): PeerMessage {
  return decodePeerMessage(reader(buffer), new IdentitiesCodec())
}

/** @returns the result or a refusal; rethrows any error other than a ProtocolError */
function outcome<T>(read: () => T): T | 'refused' {
  try {
    return read()
  } catch (error) {
    if (error instanceof ProtocolError) return 'refused'
    throw error
  }
}

const types = Object.keys(peerMessages.rows) as PeerMessage['type'][]
for (const type of types) {
  t.test(`${type} survives the wire, in the bytes of its table`, async () => {
    fc.assert(
      fc.property(messagesOf(peerMessages, type, special), (message) => {
        const fields = peerMessages.pack<PeerMessage['type']>(message)
        const bytes = written(message)
        assert.deepEqual(bytes, packed(peerMessages.code(type), ...fields))
        assert.deepEqual(decode(bytes), message)
      }),
      { seed, numRuns: 50 },
    )
  })

  t.test(
    `${type} cut short or changed is refused, or decoded as the table decodes it`,
    async () => {
      const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), {
        minLength: 1,
        maxLength: 3,
      })
      fc.assert(
        fc.property(
          messagesOf(peerMessages, type, special),
          changes,
          fc.nat(),
          (message, all, cut) => {
            const whole = written(message)
            const short = whole.subarray(0, cut % whole.length)
            assert.throws(() => decode(short), ProtocolError)
            const changed = Buffer.from(whole)
            for (const [at, byte] of all) changed[at % changed.length] = byte
            const found = outcome(() => decode(changed))
            const wanted = outcome(() => byTable(changed))
            assert.equal(found === 'refused', wanted === 'refused')
          },
        ),
        { seed, numRuns: 100 },
      )
    },
  )
}

function byTable(bytes: Buffer): PeerMessage {
  const [message] = readPlains(reader(bytes), 1)
  const [kind, ...fields] = Array.isArray(message) ? message : []
  const type = typeof kind === 'number' ? peerMessages.type(kind) : undefined
  if (type === undefined) throw new ProtocolError('no kind')
  return peerMessages.unpack(type, fields)
}

t.test('a proposal whose bytes do not match its entry count is refused', async (t) => {
  for (const count of [0, 1, 3]) {
    const lie = written({ type: 'PROPOSAL', entries: { first: zxid, count, bytes } })
    t.throws(() => decode(lie), ProtocolError)
  }
})

t.test('an epoch or a proposal that no server can reach is refused', async (t) => {
  const beyond = epochMax + 1
  const vote = { epoch: beyond, zxid, standing: 'voter', id: 2 as ServerId } as const
  const word = {
    type: 'NOTIFICATION',
    round: 1,
    role: 'leading',
    initialised: true,
    configuration: zxid,
  } as const
  const lies: PeerMessage[] = [
    { ...word, vote, establishedEpoch: 1 },
    { ...word, vote: { ...vote, epoch: 1 }, establishedEpoch: beyond },
    { type: 'CEPOCH', acceptedEpoch: beyond, currentEpoch: 1, initialised: true },
    { type: 'CEPOCH', acceptedEpoch: 1, currentEpoch: beyond, initialised: true },
    { type: 'NEWEPOCH', epoch: beyond, founds: undefined, asksForPromise: true },
    { type: 'ACKEPOCH', currentEpoch: beyond, lastZxid: zxid, counts: true },
    { type: 'NEWLEADER', epoch: beyond, ensembleId: 'e' },
    { type: 'ACKNEWLEADER', epoch: beyond },
    { type: 'PROPOSAL', entries: { first: (2 ** 33 - 1) as Zxid, count: 2, bytes } },
  ]
  for (const lie of lies) t.throws(() => decode(written(lie)), ProtocolError, lie.type)
  const last = {
    type: 'NEWEPOCH',
    epoch: epochMax,
    founds: undefined,
    asksForPromise: true,
  } as const
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
    bytes.fill(0) // the next list must not be compared with reused memory
  }
})

t.test('identities cut short leave the previous ones as they were', async (t) => {
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

t.test('a request that is not a write is refused between servers', async (t) => {
  const identities = Buffer.from([0x90])
  for (const op of [ops.exists, ops.ping, ops.check, 999]) {
    const request = packed(peerMessages.code('REQUEST'), 1, session, identities, [op, '/a', true])
    t.throws(() => decode(request), /no write/)
  }
})

t.test('identities are never absent', async (t) => {
  const close = [ops.closeSession]
  for (const identities of [null, Buffer.alloc(0)]) {
    const request = packed(peerMessages.code('REQUEST'), 1, session, identities, close)
    t.throws(() => decode(request), ProtocolError)
  }
})
