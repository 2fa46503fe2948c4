import t from 'tap'
import { ProtocolError } from '../../../src/protocol/error-codes.ts'
import { MsgpackReader, MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import {
  decodeGreeting,
  encodeGreeting,
  type Greeting,
  type PeerHello,
  peerVersions,
} from '../../../src/protocol/peer/hello.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { Random } from '../../../src/random.ts'

const hello: PeerHello = {
  type: 'hello',
  serverId: 3 as ServerId,
  instance: 2 ** 47 - 1,
  members: [
    { id: 1 as ServerId, address: 'one:2888', observes: false },
    { id: 3 as ServerId, address: '::1:2888', observes: true },
  ],
  groups: 'group.1=1\nweight.1=1',
  ensembleId: 'e',
  holdsHistory: true,
  challenge: Buffer.alloc(32, 1),
  release: '1.2.3',
}
const { oldest, newest } = peerVersions
const greetings: Greeting[] = [
  hello,
  {
    ...hello,
    groups: undefined,
    ensembleId: undefined,
    holdsHistory: false,
    members: [],
    challenge: undefined,
  },
  {
    ...{ type: 'challenge', serverId: 3 as ServerId, instance: 5 },
    ...{ challenge: Buffer.alloc(32, 2), proof: Buffer.alloc(32, 3) },
  },
  { type: 'proof', proof: Buffer.alloc(32, 4) },
  { type: 'refusal', reason: 'the lists of servers differ' },
]

function written(greeting: Greeting, version = newest): Buffer {
  const out = new MsgpackWriter()
  encodeGreeting(out, greeting, version)
  return Buffer.from(out.view())
}

function decode(buffer: Buffer, versions = peerVersions): Greeting {
  return decodeGreeting(new MsgpackReader().reset(buffer, 0, buffer.length), versions).greeting
}

t.test('greetings round trip', async (t) => {
  for (const greeting of greetings) t.same(decode(written(greeting)), greeting)
})

t.test(
  'so they do in the version of the release before, whose hello names no release',
  async (t) => {
    for (const greeting of greetings) {
      const bytes = written(greeting, oldest)
      const { release: _, ...rest } = { release: '', ...greeting }
      t.strictSame(decode(bytes), rest)
      t.strictSame(decode(bytes, { oldest, newest: oldest }), rest, 'for that release, too')
    }
  },
)

t.test('a hello cut short or changed gives a hello or a ProtocolError', async (t) => {
  const seed = Math.floor(Math.random() * 1e9)
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  for (const greeting of greetings) {
    const buffer = written(greeting)
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

t.test('another version, role or order of members is refused', async (t) => {
  const other = written(hello)
  other[1] = newest + 1
  t.throws(() => decode(other), /version 8: this server speaks 6 to 7/)
  const only = { oldest, newest: oldest }
  t.throws(() => decode(written(hello), only), /version 7: this server speaks 6$/)
  const out = new MsgpackWriter()
  out.arrayHeader(7)
  out.int(newest)
  out.string('client')
  t.throws(() => decode(Buffer.from(out.view())), /role 'client'/)
  const members = [...hello.members].reverse()
  t.throws(() => decode(written({ ...hello, members })), /Cannot read members: .* by ascending id/)
})
