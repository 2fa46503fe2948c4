import t from 'tap'
import { reconnectedText } from '../../../src/cli/browser/topic-reading.ts'

t.test('what came of reconnecting is told, with the reason for each broker', async (t) => {
  const broker = (port: number, problem?: string) => {
    return { broker: { host: '127.0.0.1', port }, problem }
  }
  t.equal(reconnectedText([]), 'no broker is known')
  t.equal(reconnectedText([broker(1)]), 'the broker answered')
  t.equal(reconnectedText([broker(1), broker(2)]), 'all 2 brokers answered')
  t.equal(
    reconnectedText([broker(1), broker(2, 'connection refused'), broker(3)]),
    '2 of 3 brokers answered: 127.0.0.1:2 connection refused',
  )
})
