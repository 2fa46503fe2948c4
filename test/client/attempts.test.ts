import t from 'tap'
import { Attempts, closedBecause, formatAttempts } from '../../src/client/attempts.ts'
import { ProtocolError } from '../../src/protocol/error-codes.ts'
import { HandshakeTimeoutError } from '../../src/protocol/transport/transport.ts'

function systemError(code: string): Error {
  return Object.assign(new Error(`connect ${code} 127.0.0.1:1`), { code })
}

const cases = [
  { reason: systemError('ECONNREFUSED'), connected: false, want: 'connection refused' },
  { reason: systemError('ENOTFOUND'), connected: false, want: 'name not found' },
  { reason: systemError('EHOSTUNREACH'), connected: false, want: 'host unreachable' },
  { reason: systemError('EODD'), connected: false, want: 'connect EODD 127.0.0.1:1' },
  {
    reason: systemError('ECONNRESET'),
    connected: true,
    want: 'connected, then lost without an answer: ECONNRESET',
  },
  {
    reason: undefined,
    connected: true,
    want: 'connected, then closed without an answer: it may want TLS, or a certificate',
  },
  {
    reason: new ProtocolError('Cannot read x'),
    connected: true,
    want: 'connected, no valid answer: Cannot read x',
  },
  {
    reason: new HandshakeTimeoutError('nothing', 1000),
    connected: true,
    want: 'connected, no answer in time',
  },
  {
    reason: new HandshakeTimeoutError('nothing', 1000),
    connected: false,
    want: 'no connection in time',
  },
  {
    reason: Object.assign(new AggregateError([systemError('ECONNREFUSED')]), {
      code: 'ECONNREFUSED',
    }),
    connected: false,
    want: 'connection refused',
  },
]
for (const { reason, connected, want } of cases) {
  t.test(`a closed link is described as '${want}'`, async (t) => {
    t.equal(closedBecause(reason, connected), want)
  })
}

t.test('each address counts once, with its latest result', async (t) => {
  const attempts = new Attempts()
  const [a, b] = [
    { host: 'a', port: 1 },
    { host: '::1', port: 2 },
  ]
  t.ok(attempts.failed(a, 'connection refused'), 'that is news')
  t.notOk(attempts.failed(a, 'connection refused'))
  t.ok(attempts.failed(b, 'host unreachable'))
  t.ok(attempts.failed(a, 'it has no quorum'))
  t.equal(attempts.count, 2)
  t.equal(formatAttempts(attempts.all), 'a:1 (it has no quorum), [::1]:2 (host unreachable)')
})
