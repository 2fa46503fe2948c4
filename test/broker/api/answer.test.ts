import t from 'tap'
import { Answers, answerLater, asBrokerError } from '../../../src/broker/api/answer.ts'
import { ZkError } from '../../../src/protocol/error-codes.ts'
import type { MqResponse } from '../../../src/protocol/mq/apis.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'

t.test('answers arrive in any order and are sent once, in request order', async (t) => {
  const done: (readonly string[])[] = []
  const answers = new Answers<string>(3, (all) => void done.push(all))
  answers.set(2, 'c')
  answers.set(0, 'a')
  t.same(done, [])
  answers.set(1, 'b')
  t.same(done, [['a', 'b', 'c']])
})

t.test('a request without parts is answered at once', async (t) => {
  const done: (readonly string[])[] = []
  new Answers<string>(0, (all) => void done.push(all))
  t.same(done, [[]])
})

t.test(
  'a ZooWeeper failure becomes a retriable error; a programming error is thrown',
  async (t) => {
    const lost = new ZkError('CONNECTIONLOSS', '/a', 'Cannot read /a')
    const refused = new BrokerError('INVALID_GROUP_ID', 'Cannot')
    t.match(asBrokerError(lost), { code: 'BROKER_NOT_AVAILABLE', message: 'Cannot read /a' })
    t.equal(asBrokerError(refused), refused)
    t.throws(() => asBrokerError(new TypeError('a mistake')), TypeError)
  },
)

t.test('a handler that fails as a whole answers with its error', async (t) => {
  const answered: (MqResponse | BrokerError)[] = []
  const refused = new BrokerError('INVALID_GROUP_ID', 'Cannot')
  await new Promise<void>((resolve) => {
    answerLater(Promise.reject(refused), (answer) => {
      answered.push(answer)
      resolve()
    })
  })
  t.same(answered, [refused])
})
