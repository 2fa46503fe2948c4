import t from 'tap'
import { ProtocolError } from '../../../src/protocol/error-codes.ts'
import {
  decodeMqChallenge,
  decodeMqHello,
  decodeMqProof,
  decodeMqWelcome,
  encodeMqChallenge,
  encodeMqHello,
  encodeMqProof,
  encodeMqWelcome,
  type MqHello,
  mqProtocolVersion,
} from '../../../src/protocol/mq/hello.ts'
import { type BrokerId, noBroker } from '../../../src/protocol/mq/messages.ts'
import { MsgpackReader, MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import { type Plain, writePlain } from '../../../src/protocol/plain.ts'

function written(write: (out: MsgpackWriter) => void): MsgpackReader {
  const out = new MsgpackWriter()
  write(out)
  return new MsgpackReader().reset(Buffer.from(out.view()), 0, out.length)
}

const hello: MqHello = {
  version: mqProtocolVersion,
  role: 'broker',
  clusterId: undefined,
  name: 'broker 2',
  brokerId: 2 as BrokerId,
  brokerEpoch: 2 ** 35,
  challenge: Buffer.alloc(32, 7),
}

t.test('hello and welcome survive encoding and decoding', async (t) => {
  t.strictSame(decodeMqHello(written((out) => encodeMqHello(out, hello))), hello)
  const client: MqHello = {
    ...hello,
    role: 'client',
    clusterId: 'abc',
    brokerId: noBroker,
    challenge: undefined,
  }
  t.strictSame(decodeMqHello(written((out) => encodeMqHello(out, client))), client)
  const welcome = { version: mqProtocolVersion, clusterId: 'abc', brokerId: 1 as BrokerId }
  t.strictSame(decodeMqWelcome(written((out) => encodeMqWelcome(out, welcome))), welcome)
  const challenge = { challenge: Buffer.alloc(32, 1), proof: Buffer.alloc(32, 2) }
  t.strictSame(decodeMqChallenge(written((out) => encodeMqChallenge(out, challenge))), challenge)
  const proof = { proof: Buffer.alloc(32, 3) }
  t.strictSame(decodeMqProof(written((out) => encodeMqProof(out, proof))), proof)
})

const refusals: readonly (readonly [string, readonly Plain[], RegExp])[] = [
  [
    'a version from the future',
    [mqProtocolVersion + 1, 'client'],
    new RegExp(`protocol version ${mqProtocolVersion + 1}`),
  ],
  ['the version before', [2, 'client', null, 'x', -1, 0], /protocol version 2/],
  ['nothing', [], /protocol version/],
  [
    'a server for another port',
    [mqProtocolVersion, 'peer', null, '', -1, 0, null],
    /client or broker/,
  ],
  ['a missing field', [mqProtocolVersion, 'client', null, '', -1], /5 fields/],
  [
    'a challenge that is too short',
    [mqProtocolVersion, 'broker', 'abc', '', 1, 5, Buffer.alloc(31)],
    /32 bytes/,
  ],
]
for (const [what, fields, found] of refusals) {
  t.test(`a hello is refused: ${what}`, async (t) => {
    const read = () => decodeMqHello(written((out) => writePlain(out, fields)))
    t.throws(read, { message: found })
    t.throws(read, ProtocolError)
  })
}
