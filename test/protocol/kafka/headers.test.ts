import t from 'tap'
import { ProtocolError } from '../../../src/protocol/error-codes.ts'
import { apiVersions } from '../../../src/protocol/kafka/api/api-versions.ts'
import { heartbeat } from '../../../src/protocol/kafka/api/heartbeat.ts'
import { produce } from '../../../src/protocol/kafka/api/produce.ts'
import { kafkaApis } from '../../../src/protocol/kafka/apis.ts'
import {
  beginsKafkaRequest,
  readRequest,
  readRequestHeader,
  writeResponse,
} from '../../../src/protocol/kafka/headers.ts'
import { KafkaReader } from '../../../src/protocol/kafka/reader.ts'
import { KafkaWriter } from '../../../src/protocol/kafka/writer.ts'
import { joined } from './all-messages.ts'

function reading(hex: string): KafkaReader {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  return new KafkaReader().reset(bytes, 0, bytes.length)
}

t.test('a request has a non-compact client id in all versions', async (t) => {
  const old = reading('000c 0003 00000007 0002 6162 0001 67 00000001 0001 6d ffff')
  t.same(readRequestHeader(old), {
    apiKey: 12,
    apiVersion: 3,
    correlationId: 7,
    clientId: 'ab',
  })
  const wanted = { groupId: 'g', generationId: 1, memberId: 'm', groupInstanceId: null }
  t.same(readRequest(old, heartbeat, 3), wanted)

  const flexible = reading('000c 0004 00000007 ffff 01 05 02 ffff 02 67 00000001 02 6d 00 00')
  t.equal(readRequestHeader(flexible).clientId, null)
  t.same(readRequest(flexible, heartbeat, 4), wanted, 'a tagged field of the header is skipped')
  t.equal(flexible.bytesLeft, 0)
})

t.test('a truncated header is refused', async (t) => {
  t.throws(() => readRequestHeader(reading('000c 0003 0000')), ProtocolError)
  t.throws(() => readRequestHeader(reading('000c 0003 00000007 0005 61')), ProtocolError)
})

t.test('a response header has tagged fields in flexible versions', async (t) => {
  const response = (version: number) => {
    const to = new KafkaWriter()
    writeResponse(to, heartbeat, { correlationId: 7, version }, { errorCode: 27 })
    return joined(to).toString('hex')
  }
  t.equal(response(0), '00000006 00000007 001b'.replaceAll(' ', ''))
  t.equal(response(3), '0000000a 00000007 00000000 001b'.replaceAll(' ', ''))
  t.equal(response(4), '0000000c 00000007 00 00000000 001b 00'.replaceAll(' ', ''))
})

t.test('an ApiVersions response header has no tagged fields in any version', async (t) => {
  const to = new KafkaWriter()
  const row = { apiKey: 18, minVersion: 0, maxVersion: 3 }
  const header = { correlationId: 7, version: 3 }
  writeResponse(to, apiVersions, header, { errorCode: 35, apiKeys: [row] })
  const wanted = '00000013 00000007 0023 02 0012 0000 0003 00 00000000 00'
  t.equal(joined(to).toString('hex'), wanted.replaceAll(' ', ''))
})

t.test('api keys are unique and begin with a zero byte', async (t) => {
  const keys = kafkaApis.map(({ key }) => key)
  t.equal(new Set(keys).size, keys.length)
  for (const key of keys) t.ok(beginsKafkaRequest(key >> 8), String(key))
  t.notOk(beginsKafkaRequest(0x96), 'a hello of our own protocol')
})

t.test('an api serves exactly its versions', async (t) => {
  t.notOk(produce.serves(2), 'advertised, so that clients compress, but not served')
  t.ok(produce.serves(3))
  t.ok(produce.serves(9))
  t.notOk(produce.serves(10))
  t.notOk(produce.serves(-1))
})
