import t from 'tap'
import { ProtocolError } from '../../../src/protocol/error-codes.ts'
import {
  decodeMqHello,
  decodeMqWelcome,
  encodeMqHello,
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
}

t.test('hello and welcome are read as written', async (t) => {
  t.strictSame(decodeMqHello(written((out) => encodeMqHello(out, hello))), hello)
  const client: MqHello = { ...hello, role: 'client', clusterId: 'abc', brokerId: noBroker }
  t.strictSame(decodeMqHello(written((out) => encodeMqHello(out, client))), client)
  const welcome = { version: mqProtocolVersion, clusterId: 'abc', brokerId: 1 as BrokerId }
  t.strictSame(decodeMqWelcome(written((out) => encodeMqWelcome(out, welcome))), welcome)
})

const refusals: readonly (readonly [string, readonly Plain[], RegExp])[] = [
  ['a version from the future', [mqProtocolVersion + 1, 'client'], /protocol version 4/],
  ['the version before', [2, 'client', null, 'x', -1, 0], /protocol version 2/],
  ['nothing', [], /protocol version/],
  ['a server for another port', [mqProtocolVersion, 'peer', null, '', -1, 0], /client or broker/],
  ['a field too few', [mqProtocolVersion, 'client', null, '', -1], /5 fields/],
]
for (const [what, fields, found] of refusals) {
  t.test(`a hello is refused: ${what}`, async (t) => {
    const read = () => decodeMqHello(written((out) => writePlain(out, fields)))
    t.throws(read, { message: found })
    t.throws(read, ProtocolError)
  })
}
