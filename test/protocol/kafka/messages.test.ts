// Properties of every message in every version: it survives encoding and decoding, and any other
// bytes are decoded or refused.

import fc from 'fast-check'
import t from 'tap'
import { ProtocolError } from '../../../src/protocol/error-codes.ts'
import { allMessages, type Versioned } from './all-messages.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
t.comment(`SEED=${seed}`)

const messages = allMessages()
const anyMessage = fc.constantFrom(...messages)
const messageWithValue = anyMessage.chain((message) =>
  message.values.map((value) => ({ message, value })),
)

for (const { name, values, write, read } of messages) {
  t.test(`${name}: survives encoding and decoding, to the last byte`, async () => {
    const holds = fc.property(values, (value) => {
      const found = read(write(value))
      return found.bytesLeft === 0 && fc.stringify(found.value) === fc.stringify(value)
    })
    fc.assert(holds, { seed, numRuns: 20 })
  })
}

t.test('a truncated message is refused, at every length', async () => {
  const holds = fc.property(messageWithValue, fc.nat(), ({ message, value }, at) => {
    const bytes = message.write(value)
    if (bytes.length === 0) return true
    return outcomeOf(message, bytes.subarray(0, at % bytes.length)) === 'refused'
  })
  fc.assert(holds, { seed, numRuns: 3000 })
})

t.test('bytes after a message are not consumed', async () => {
  const holds = fc.property(messageWithValue, fc.nat({ max: 9 }), ({ message, value }, more) => {
    const bytes = Buffer.concat([message.write(value), Buffer.alloc(more, 1)])
    return message.read(bytes).bytesLeft === more
  })
  fc.assert(holds, { seed, numRuns: 500 })
})

t.test('a message with changed bytes is decoded or refused', async () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 })
  const holds = fc.property(messageWithValue, changes, ({ message, value }, changed) => {
    const bytes = message.write(value)
    for (const [at, byte] of changed) if (bytes.length > 0) bytes[at % bytes.length] = byte
    outcomeOf(message, bytes)
  })
  fc.assert(holds, { seed, numRuns: 5000 })
})

t.test('arbitrary bytes are decoded or refused', async () => {
  const holds = fc.property(anyMessage, fc.uint8Array({ maxLength: 200 }), (message, bytes) => {
    outcomeOf(message, Buffer.from(bytes))
  })
  fc.assert(holds, { seed, numRuns: 5000 })
})

/** @throws any error that is not a ProtocolError */
function outcomeOf(message: Versioned, bytes: Buffer): 'read' | 'refused' {
  try {
    message.read(bytes)
    return 'read'
  } catch (error) {
    if (error instanceof ProtocolError) return 'refused'
    throw error
  }
}
