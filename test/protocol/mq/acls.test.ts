import t from 'tap'
import {
  type AclEntry,
  type AclPattern,
  aclParents,
  aclPath,
  aclRoots,
  decodeEntries,
  encodeEntries,
  isAllowed,
  matches,
  mayApply,
  patternOf,
  patternProblem,
} from '../../../src/protocol/mq/acls.ts'

const entry = (changed: Partial<AclEntry> = {}): AclEntry => ({
  principal: 'User:ann',
  host: '*',
  operation: 'read',
  permission: 'allow',
  ...changed,
})

const asked = {
  principal: 'User:ann',
  host: '10.0.0.1',
  operation: 'read',
  resourceType: 'topic',
  name: 'goals',
} as const

const decisions: readonly [string, readonly AclEntry[], Partial<typeof asked> | object, boolean][] =
  [
    ['nothing says so', [], {}, false],
    ['a rule allows it', [entry()], {}, true],
    ['the rule is about another user', [entry({ principal: 'User:bob' })], {}, false],
    ['everyone may', [entry({ principal: 'User:*' })], {}, true],
    ['the rule is about another operation', [entry({ operation: 'write' })], {}, false],
    ['all operations are allowed', [entry({ operation: 'all' })], {}, true],
    ['the rule is about this host', [entry({ host: '10.0.0.1' })], {}, true],
    ['the rule is about another host', [entry({ host: '10.0.0.2' })], {}, false],
    ['a denial outweighs it', [entry(), entry({ permission: 'deny' })], {}, false],
    ['all is denied', [entry(), entry({ operation: 'all', permission: 'deny' })], {}, false],
    [
      'another user is denied',
      [entry(), entry({ permission: 'deny', principal: 'User:bob' })],
      {},
      true,
    ],
    ['reading includes describing', [entry()], { operation: 'describe' }, true],
    ['describing does not include reading', [entry({ operation: 'describe' })], {}, false],
    [
      'writing includes describing',
      [entry({ operation: 'write' })],
      { operation: 'describe' },
      true,
    ],
    [
      'a denial of reading denies no describing',
      [entry(), entry({ permission: 'deny' }), entry({ operation: 'write' })],
      { operation: 'describe' },
      true,
    ],
    [
      'altering configs includes describing them',
      [entry({ operation: 'alterConfigs' })],
      { operation: 'describeConfigs' },
      true,
    ],
  ]

for (const [what, entries, changed, isIt] of decisions) {
  t.test(`a request is ${isIt ? '' : 'not '}allowed when ${what}`, async (t) => {
    t.equal(isAllowed(entries, { ...asked, ...changed }), isIt)
  })
}

t.test('a pattern matches names literally, all of them, or by their beginning', async (t) => {
  const of = (patternType: AclPattern['patternType'], name: string): AclPattern => {
    return { resourceType: 'topic', patternType, name }
  }
  t.ok(matches(of('literal', 'goals'), 'topic', 'goals'))
  t.notOk(matches(of('literal', 'goal'), 'topic', 'goals'))
  t.ok(matches(of('literal', '*'), 'topic', 'goals'))
  t.ok(matches(of('prefixed', 'goal'), 'topic', 'goals'))
  t.notOk(matches(of('prefixed', '*'), 'topic', 'goals'))
  t.notOk(matches(of('literal', 'goals'), 'group', 'goals'))
})

t.test('patterns lie where Kafka keeps them, whatever their names', async (t) => {
  const topic = { resourceType: 'topic', patternType: 'literal', name: 'goals' } as const
  t.equal(aclPath(topic), '/kafka-acl/Topic/goals')
  t.equal(aclPath({ ...topic, name: '*' }), '/kafka-acl/Topic/*')
  const prefix = { resourceType: 'group', patternType: 'prefixed', name: 'team-' } as const
  t.equal(aclPath(prefix), '/kafka-acl-extended/prefixed/Group/team-')
  for (const name of ['a/b', '..', '.', '%2F', 'ü', 'a b', '*', '\u0001']) {
    for (const patternType of ['literal', 'prefixed'] as const) {
      const pattern = { resourceType: 'group', patternType, name } as const
      t.same(patternOf(aclPath(pattern)), pattern, JSON.stringify(name))
    }
  }
  for (const path of [
    ...aclRoots,
    '/kafka-acl/Planet/x',
    '/kafka-acl/Topic/a/b',
    '/other',
    '/kafka-acl/Topic/%',
  ]) {
    t.equal(patternOf(path), undefined, path)
  }
  t.ok(aclParents.every((path) => aclRoots.includes(path)))
})

t.test('rules are written as Kafka writes them', async (t) => {
  const denied = entry({ permission: 'deny', operation: 'describeConfigs', host: '::1' })
  const text = encodeEntries([entry(), denied])
  t.same(JSON.parse(text), {
    version: 1,
    acls: [
      { principal: 'User:ann', permissionType: 'Allow', operation: 'Read', host: '*' },
      { principal: 'User:ann', permissionType: 'Deny', operation: 'DescribeConfigs', host: '::1' },
    ],
  })
  t.same(decodeEntries(Buffer.from(text)), [entry(), denied])
})

t.test('what cannot be read as a rule makes all of its znode unreadable', async (t) => {
  const good = { principal: 'User:a', permissionType: 'Allow', operation: 'Read', host: '*' }
  for (const bad of [{ ...good, operation: 'Fly' }, { ...good, permissionType: 'Maybe' }, {}, 7]) {
    const data = Buffer.from(JSON.stringify({ version: 1, acls: [good, bad] }))
    t.equal(decodeEntries(data), undefined)
  }
  for (const data of [null, Buffer.from('{'), Buffer.from('{"version":1}')]) {
    t.equal(decodeEntries(data), undefined)
  }
})

t.test('a rule has a name and an operation of its type', async (t) => {
  const of = (changed: Partial<AclPattern>): string | undefined =>
    patternProblem({ resourceType: 'topic', patternType: 'literal', name: 'x', ...changed })
  t.equal(of({}), undefined)
  t.match(of({ name: '' }), /empty/)
  t.match(of({ name: 'x'.repeat(250) }), /249/)
  t.match(of({ resourceType: 'cluster' }), /kafka-cluster/)
  t.match(
    of({ resourceType: 'cluster', name: 'kafka-cluster', patternType: 'prefixed' }),
    /literal/,
  )
  t.ok(mayApply('all', 'group'))
  t.ok(mayApply('read', 'group'))
  t.notOk(mayApply('write', 'group'))
})
