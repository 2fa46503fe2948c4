// docs/kafka-protocol.md says what the code does: its tables and layouts are made from the tables of
// the messages (generated.ts).

import t from 'tap'
import { handlers } from '../../src/broker/kafka/handlers.ts'
import { kafkaApis } from '../../src/protocol/kafka/apis.ts'
import type { FieldShape, Shape } from '../../src/protocol/kafka/types.ts'
import { isRetriable, type MqErrorCode, mqErrorCodes } from '../../src/protocol/mq/error-codes.ts'
import { checkGenerated } from './generated.ts'

const parts: Readonly<Record<string, readonly string[]>> = {
  apis: [
    '| key | api | versions | flexible | served |',
    '| --- | --- | --- | --- | --- |',
    ...kafkaApis.map(({ key, name, firstVersion, lastVersion, offeredFrom, flexibleFrom }) => {
      const offered = offeredFrom === firstVersion ? '' : `, offered from ${offeredFrom}`
      const flexible = flexibleFrom > lastVersion ? 'no' : `from ${flexibleFrom}`
      const all = `${range(firstVersion, lastVersion)}${offered}`
      return `| ${key} | ${name} | ${all} | ${flexible} | ${handlers.has(key) ? 'yes' : ''} |`
    }),
  ],
  layouts: kafkaApis.flatMap(({ key, name, firstVersion, request, response }) => [
    `**${name}** (${key})`,
    '',
    '```',
    `> ${fieldsOf(request.shape.fields, firstVersion) || 'no fields'}`,
    `< ${fieldsOf(response.shape.fields, firstVersion)}`,
    '```',
    '',
  ]),
  errors: [
    '| number | name | a retry may help |',
    '| --- | --- | --- |',
    ...Object.entries(mqErrorCodes).map(([name, number]) => {
      return `| ${number} | ${name} | ${isRetriable(name as MqErrorCode) ? 'yes' : ''} |`
    }),
  ],
}

function fieldsOf(fields: readonly FieldShape[], first: number): string {
  return fields
    .map(({ name, shape, since, until, tag }) => {
      const tagged = tag === undefined ? '' : ` #${tag}`
      return `${name} ${typeOf(shape, first)}${tagged}${versions(since, until, first)}`
    })
    .join('; ')
}

function typeOf(shape: Shape, first: number): string {
  switch (shape.type) {
    case 'nullable':
      return `${typeOf(shape.of, first)}?${shape.since <= first ? '' : `${shape.since}+`}`
    case 'list':
      return shape.of.type === 'struct'
        ? `[${fieldsOf(shape.of.fields, first)}]`
        : `[${typeOf(shape.of, first)}]`
    case 'struct':
      return `{${fieldsOf(shape.fields, first)}}`
    case 'bool':
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
    case 'uuid':
    case 'string':
    case 'bytes':
    case 'records':
      return shape.type
  }
}

/** @param first version of the message */
function versions(since: number, until: number, first: number): string {
  if (until !== Number.POSITIVE_INFINITY) return ` v${range(Math.max(since, first), until)}`
  return since <= first ? '' : ` v${since}+`
}

function range(first: number, last: number): string {
  return first === last ? String(first) : `${first}-${last}`
}

t.test('the page is made from the tables', async (t) => {
  checkGenerated(t, 'kafka-protocol.md', parts)
})
