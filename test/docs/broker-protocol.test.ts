// docs/broker-protocol.md says what the code does: its tables are made from those of the messages.

import { readFileSync } from 'node:fs'
import t from 'tap'
import { limits } from '../../src/limits.ts'
import { requests, responses } from '../../src/protocol/mq/apis.ts'
import { mqErrorCodes } from '../../src/protocol/mq/error-codes.ts'
import {
  challengeFields,
  helloFields,
  mqProtocolVersion,
  proofFields,
  welcomeFields,
} from '../../src/protocol/mq/hello.ts'
import { failure } from '../../src/protocol/mq/messages.ts'
import { checkGenerated, codesTable, exchangesTable, fieldsTable } from './generated.ts'

t.test('the page is made from the tables', async (t) => {
  checkGenerated(t, 'broker-protocol.md', {
    hello: fieldsTable(helloFields),
    challenge: fieldsTable(challengeFields),
    proof: fieldsTable(proofFields),
    welcome: fieldsTable(welcomeFields),
    apis: exchangesTable('api', requests, responses),
    failure: fieldsTable(failureFields()),
    errors: codesTable('error', mqErrorCodes),
  })
})

function failureFields() {
  const { shape } = failure
  if (shape.type !== 'named' || shape.of.type !== 'record') throw new TypeError('It is a record')
  return shape.of.fields
}

t.test('the numbers in the text are those of the code', async (t) => {
  const page = readFileSync(new URL('../../docs/broker-protocol.md', import.meta.url), 'utf8')
  const said = [
    `The version is ${mqProtocolVersion}`,
    `has at most ${limits.brokerFrameBytesMax / 1024 / 1024} MiB`,
    `within ${limits.handshakeMs / 1000} seconds`,
    `at most ${limits.partitionsPerTopicMax} partitions`,
    `up to ${limits.rememberedBatchesMax} batches of a partition in flight`,
  ]
  for (const text of said) t.ok(page.includes(text), text)
})
