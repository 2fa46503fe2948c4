// Foreign clients that authenticate themselves, by every mechanism that they have.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Admin } from '@platformatic/kafka'
import type { SASLOptions } from 'kafkajs'
import t from 'tap'
import { worldTest } from '../../broker/broker-world.ts'
import { makeUser } from '../../broker/kafka/users.ts'
import { pythonWith, withoutKcat } from '../tools.ts'
import { kafkajs } from './kafkajs-groups.ts'
import { serversOf } from './npm-world.ts'
import { soon } from './platformatic-groups.ts'

const run = promisify(execFile)

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
const flags = [`--sasl-mechanisms=${mechanisms.join(',')}`, '--require-sasl']
const [username, password] = ['alice', 'a=b,c d']

worldTest(t, 'kafkajs and platformatic', { brokers: 1, flags }, async (t, world) => {
  await makeUser(world, username, password)
  const wordOf = {
    PLAIN: 'plain',
    'SCRAM-SHA-256': 'scram-sha-256',
    'SCRAM-SHA-512': 'scram-sha-512',
  }
  for (const mechanism of mechanisms) {
    // Its type has one shape for each mechanism.
    const sasl = { mechanism: wordOf[mechanism], username, password } as SASLOptions
    const admin = kafkajs(serversOf(world), { sasl }).admin()
    await admin.connect()
    t.equal((await admin.describeCluster()).brokers.length, 1, `kafkajs, ${mechanism}`)
    await admin.disconnect()
    const other = new Admin({ ...soon(serversOf(world)), sasl: { mechanism, username, password } })
    t.same(await other.listTopics(), [], `platformatic, ${mechanism}`)
    await other.close()
  }
  const wrong = { mechanism: 'plain', username, password: 'x' } as const
  const admin = kafkajs(serversOf(world), { sasl: wrong, retry: { retries: 0 } }).admin()
  await t.rejects(admin.connect(), /name or password is wrong/)
})

const kafkaPython = `
import sys
from kafka.admin import KafkaAdminClient
for mechanism in sys.argv[2:]:
    client = KafkaAdminClient(bootstrap_servers=sys.argv[1], security_protocol="SASL_PLAINTEXT",
        sasl_mechanism=mechanism, sasl_plain_username="${username}", sasl_plain_password="${password}")
    print(mechanism, client.list_topics())
`

worldTest(t, 'kcat and kafka-python', { brokers: 1, flags }, async (t, world) => {
  await makeUser(world, username, password)
  const [server = ''] = serversOf(world)
  if (withoutKcat !== undefined) t.comment(withoutKcat)
  else {
    for (const mechanism of mechanisms) {
      const properties = [
        'security.protocol=SASL_PLAINTEXT',
        `sasl.mechanisms=${mechanism}`,
        `sasl.username=${username}`,
        `sasl.password=${password}`,
      ].flatMap((property) => ['-X', property])
      const { stdout } = await run('kcat', ['-b', server, '-L', '-J', ...properties])
      t.equal(JSON.parse(stdout).brokers.length, 1, `kcat, ${mechanism}`)
    }
  }
  const python = pythonWith('kafka')
  if (python === undefined) t.comment('kafka is not installed (Debian: python3-kafka)')
  else {
    // Its tokens come without headers.
    const { stdout } = await run(python, ['-c', kafkaPython, server, ...mechanisms])
    t.equal(stdout, mechanisms.map((mechanism) => `${mechanism} []\n`).join(''))
  }
})
