import t from 'tap'
import { ClusterAcls } from '../../../src/broker/cluster/cluster-acls.ts'
import type { AclEntry, AclOperation, AclPattern } from '../../../src/protocol/mq/acls.ts'

const topic = (name: string, patternType: AclPattern['patternType'] = 'literal'): AclPattern => {
  return { resourceType: 'topic', patternType, name }
}

const rule = (user: string, operation: AclOperation, isAllowed = true): AclEntry => ({
  principal: `User:${user}`,
  host: '*',
  operation,
  permission: isAllowed ? 'allow' : 'deny',
})

function scene(allowsUnruled = false) {
  const acls = new ClusterAcls({ superUsers: new Set(['User:root']), allowsUnruled })
  const may = (user: string, operation: AclOperation, name: string) =>
    acls.allows({ principal: `User:${user}`, host: '::1', operation, resourceType: 'topic', name })
  return { acls, may }
}

t.test('about what no rule is about, the policy decides', async (t) => {
  t.notOk(scene().may('ann', 'read', 'goals'))
  const { acls, may } = scene(true)
  t.ok(may('ann', 'read', 'goals'))
  acls.set(topic('goals'), [rule('bob', 'read')])
  t.notOk(may('ann', 'read', 'goals'), 'a rule is about it by now')
  acls.set(topic('goals'), [])
  t.ok(may('ann', 'read', 'goals'), 'and no more')
})

t.test('a super user may do everything, even what is denied', async (t) => {
  const { acls, may } = scene()
  acls.set(topic('goals'), [rule('root', 'all', false)])
  t.ok(may('root', 'delete', 'goals'))
})

t.test('rules of all patterns that match count together', async (t) => {
  const { acls, may } = scene()
  acls.set(topic('team-', 'prefixed'), [rule('ann', 'read')])
  acls.set(topic('*'), [rule('bob', 'read')])
  t.ok(may('ann', 'read', 'team-a'))
  t.ok(may('bob', 'read', 'team-a'))
  acls.set(topic('team-a'), [rule('*', 'read', false)])
  t.notOk(may('ann', 'read', 'team-a'), 'a denial of one outweighs the others')
  t.ok(may('ann', 'read', 'team-b'))
})

t.test('rules that cannot be read allow nothing', async (t) => {
  const { acls, may } = scene(true)
  acls.set(topic('goals'), undefined)
  t.notOk(may('ann', 'read', 'goals'))
  t.ok(may('ann', 'read', 'other'))
  t.same([...acls.paths()], ['/kafka-acl/Topic/goals'])
})

t.test('a producer is known if it may write anywhere', async (t) => {
  const { acls } = scene()
  const ann = { principal: 'User:ann', host: '::1' }
  const asked = { ...ann, operation: 'write', resourceType: 'topic' } as const
  t.notOk(acls.allowsAny(asked))
  acls.set(topic('goals'), [rule('ann', 'read')])
  t.notOk(acls.allowsAny(asked))
  acls.set(topic('team-', 'prefixed'), [rule('ann', 'write')])
  t.ok(acls.allowsAny(asked))
})
