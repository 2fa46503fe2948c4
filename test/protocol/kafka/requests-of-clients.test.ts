// Requests captured from other clients, in test/golden/kafka. Each is decoded to its last byte, has
// the fields listed there beside its bytes, and is encoded again to the same bytes.
//
//   > Heartbeat v3              api and version
//     000c0003…                 header and body
//     groupId: "group"          its fields, one per line; bytes as hex
//
// `UPDATE_GOLDEN=1 npx tap test/protocol/kafka/requests-of-clients.test.ts` rewrites the fields:
// read the diff, and commit it only if you can say why each line moved.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { kafkaApis } from '../../../src/protocol/kafka/apis.ts'
import { readRequest, readRequestHeader } from '../../../src/protocol/kafka/headers.ts'
import { KafkaReader } from '../../../src/protocol/kafka/reader.ts'
import { KafkaWriter } from '../../../src/protocol/kafka/writer.ts'
import { type AnyApi, joined } from './all-messages.ts'
import { writeRequest } from './exchange.ts'

const directory = new URL('../../golden/kafka/', import.meta.url)

for (const file of readdirSync(directory)) {
  const path = new URL(file, directory)
  const text = readFileSync(path, 'utf8')
  const [title = '', ...requests] = text.split('\n\n> ')
  const shown: string[] = []
  for (const request of requests) {
    const [name = '', ...lines] = request.trimEnd().split('\n')
    const hex = lines.filter((line) => /^ {2}[0-9a-f]+$/.test(line))
    const bytes = Buffer.from(hex.join('').replaceAll(' ', ''), 'hex')
    t.test(`${file}: ${name}`, async (t) => {
      const from = new KafkaReader().reset(bytes, 0, bytes.length)
      const header = readRequestHeader(from)
      const { apiKey, apiVersion, correlationId, clientId } = header
      const api = kafkaApis.find(({ key }) => key === apiKey) as unknown as AnyApi
      t.equal(`${api.name} v${apiVersion}`, name)
      t.ok(api.serves(apiVersion))
      const value = readRequest(from, api, apiVersion)
      t.equal(from.bytesLeft, 0)
      shown.push([`\n> ${name}`, ...hex, ...fieldLines(value)].join('\n'))

      const to = new KafkaWriter()
      writeRequest(to, api, { version: apiVersion, correlationId, clientId }, value)
      t.equal(joined(to).toString('hex'), bytes.toString('hex'))
    })
  }
  t.test(`${file}: the fields of all requests match the file`, async (t) => {
    const now = `${[title, ...shown].join('\n')}\n`
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, now)
    t.equal(now, readFileSync(path, 'utf8'))
  })
}

function fieldLines(value: object): string[] {
  return Object.entries(value).map(([name, field]) => {
    return `  ${name}: ${JSON.stringify(field, (_, each: unknown) => hexOf(each))}`
  })
}

/** Buffers arrive as the result of their toJSON. */
function hexOf(value: unknown): unknown {
  const isBuffer = value !== null && typeof value === 'object' && 'type' in value
  if (!isBuffer || value.type !== 'Buffer' || !('data' in value)) return value
  return Buffer.from(value.data as number[]).toString('hex')
}
