import t from 'tap'
import { ProtocolError } from '../../src/protocol/error-codes.ts'
import {
  cameInstead,
  named,
  openingBytesMax,
  type PortName,
  StrangerError,
} from '../../src/protocol/strangers.ts'
import { openings } from '../openings.ts'

const ports: readonly PortName[] = ['client', 'peer', 'broker']
const error = new ProtocolError('Cannot take a frame of 369295617 bytes')

for (const { name, bytes, port: right, what } of openings) {
  for (const port of ports.filter((port) => port !== right)) {
    t.test(`on the ${port} port, ${name} is named`, async (t) => {
      const found = named(error, bytes.subarray(0, openingBytesMax), port)
      t.ok(found instanceof StrangerError)
      t.match(found, { name: 'ProtocolError', what })
      t.match(found.message, `Cannot serve ${what}: `)
      t.equal(found.cause, error)
    })
  }
  if (right !== undefined) {
    t.test(`on the ${right} port, ${name} that is refused keeps the reason`, async (t) => {
      t.equal(named(error, bytes.subarray(0, openingBytesMax), right), error)
      t.equal(named(error, bytes.subarray(0, openingBytesMax), undefined), error)
    })
  }
}

t.test('bytes of an unknown protocol are shown beside the reason', async (t) => {
  const found = named(error, Buffer.from('7f00000000112233445566', 'hex'), 'client')
  t.equal(found.message, `${error.message}; it began with 0x7f00000000112233`)
})

t.test('plain text is shown as it is, without control characters', async (t) => {
  const found = named(error, Buffer.from('hello there, is this the right port?\r\n'), 'peer')
  const shown = '"hello there, is this the" …'
  t.equal(found.message, `Cannot serve plain text: it began with ${shown}`)
  const escaped = named(error, Buffer.from('\u001b[2Jhello'), 'peer')
  t.match(escaped, { what: 'bytes of no protocol known here' })
})

t.test('what arrived instead of a hello before the deadline is named', async (t) => {
  t.equal(cameInstead(Buffer.alloc(0), 'client'), 'nothing')
  t.equal(cameInstead(Buffer.from('GET / HTT'), 'client'), 'an HTTP request')
  const hello =
    openings.find(({ what }) => what === 'a client of a broker')?.bytes ?? Buffer.alloc(0)
  t.equal(cameInstead(hello.subarray(0, 14), 'broker'), 'only the beginning of one')
  t.equal(cameInstead(hello.subarray(0, 14), 'client'), 'a client of a broker')
})
