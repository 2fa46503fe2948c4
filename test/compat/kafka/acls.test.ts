// Foreign clients where rules of access decide.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import kafka from 'kafkajs'
import t from 'tap'
import { worldTest } from '../../broker/broker-world.ts'
import { makeUser } from '../../broker/kafka/users.ts'
import { withoutKcat } from '../tools.ts'
import { kafkajs } from './kafkajs-groups.ts'
import { serversOf } from './npm-world.ts'

const run = promisify(execFile)
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafka

const password = 'open sesame'
const flags = ['--sasl-mechanisms=PLAIN', '--require-sasl', '--acls', '--super.users=User:root']

worldTest(
  t,
  'kafkajs makes rules, and kcat is held to them',
  { brokers: 1, flags },
  async (t, world) => {
    for (const user of ['root', 'ann']) await makeUser(world, user, password)
    const sasl = (username: string) => ({
      sasl: { mechanism: 'plain', username, password } as const,
    })
    const admin = kafkajs(serversOf(world), sasl('root')).admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'goals' }] })
    const rule = {
      resourceType: AclResourceTypes.TOPIC,
      resourceName: 'go',
      resourcePatternType: ResourcePatternTypes.PREFIXED,
      principal: 'User:ann',
      host: '*',
      operation: AclOperationTypes.WRITE,
      permissionType: AclPermissionTypes.ALLOW,
    }
    const kcat = async (...words: readonly string[]) => {
      const properties = ['security.protocol=SASL_PLAINTEXT', 'sasl.mechanism=PLAIN']
      const user = ['sasl.username=ann', `sasl.password=${password}`]
      const given = [...properties, ...user].flatMap((one) => ['-X', one])
      const all = ['-b', serversOf(world).join(','), ...given, ...words]
      return await run('kcat', all).catch((error: { stdout: string; stderr: string }) => error)
    }
    const consume = ['-C', '-t', 'goals', '-o', 'beginning', '-e']
    if (withoutKcat !== undefined) t.comment(withoutKcat)
    else t.match((await kcat(...consume)).stderr, /authorization failed/i)
    t.equal(await admin.createAcls({ acl: [rule] }), true)
    const other = kafkajs(serversOf(world), sasl('ann'))
    const producer = other.producer()
    await producer.connect()
    await producer.send({ topic: 'goals', messages: [{ value: 'by ann' }] })
    await producer.disconnect()
    const reading = { ...rule, operation: AclOperationTypes.READ }
    await admin.createAcls({ acl: [reading] })
    if (withoutKcat === undefined) t.match((await kcat(...consume)).stdout, /^by ann\n$/)
    const filter = {
      resourceName: 'goals',
      resourceType: AclResourceTypes.TOPIC,
      resourcePatternType: ResourcePatternTypes.MATCH,
      principal: 'User:ann',
      host: '*',
      operation: AclOperationTypes.ANY,
      permissionType: AclPermissionTypes.ANY,
    }
    const { resources } = await admin.describeAcls(filter)
    t.match(resources, [
      {
        resourceName: 'go',
        acls: [{ operation: AclOperationTypes.WRITE }, { principal: 'User:ann' }],
      },
    ])
    const { filterResponses } = await admin.deleteAcls({ filters: [filter] })
    t.equal(filterResponses[0]?.matchingAcls.length, 2)
    const refused = other.admin()
    await refused.connect()
    await t.rejects(refused.fetchTopicMetadata({ topics: ['goals'] }), /uthoriz/)
    await refused.disconnect()
    await admin.disconnect()
  },
)
