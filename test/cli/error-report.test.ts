import t from 'tap'
import { BadUsage } from '../../src/cli/cli-command.ts'
import { errorJson, errorText, wantsJson } from '../../src/cli/error-report.ts'
import { BrokerError } from '../../src/protocol/mq/error-codes.ts'

t.test('errors are JSON where the output is', async (t) => {
  for (const words of ['list -o json', 'list -ojson', 'list -o=json', 'x --output json -y']) {
    t.ok(wantsJson(words.split(' ')), words)
  }
  for (const words of ['list', 'list -o text', 'json -o', 'create json --output=text']) {
    t.notOk(wantsJson(words.split(' ')), words)
  }
})

t.test('a script tells a refusal of the brokers from bad usage and from others', async (t) => {
  const errors = [
    new BrokerError('TOPIC_ALREADY_EXISTS', "Cannot create topic 'a': it exists"),
    new BadUsage('Cannot use --to x'),
    new Error('gone'),
  ]
  t.same(
    errors.map((error) => JSON.parse(errorJson(error)).error),
    [
      { code: 'TOPIC_ALREADY_EXISTS', message: "Cannot create topic 'a': it exists" },
      { code: 'USAGE', message: 'Cannot use --to x' },
      { code: 'FAILED', message: 'gone' },
    ],
  )
  t.equal(errorText(errors[2]), 'gone')
  t.match(errorText(new TypeError('x is not a function')), /at .*error-report/)
})
