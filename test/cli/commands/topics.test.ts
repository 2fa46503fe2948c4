// `zw topics recover` as an operator runs it: a separate process, with brokers on real ports.

import { execFile } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import { Producer } from '../../../src/client/mq/producer.ts'
import { type BrokerWorld, until, worldTest } from '../../broker/broker-world.ts'

const exec = promisify(execFile)

async function recover(world: BrokerWorld, ...words: readonly string[]): Promise<string> {
  const brokers = world.addresses.map(({ host, port }) => `${host}:${port}`).join()
  const args = ['--import', 'tsx', 'src/cli/main.ts', 'topics', 'recover', 'goals', ...words]
  return (await exec(process.execPath, [...args, '--broker', brokers])).stdout
}

worldTest(
  t,
  'zw topics recover lists the remaining replicas, and its printed command works once',
  { brokers: 1 },
  async (t, world) => {
    const admin = new MqAdmin({ brokers: world.addresses })
    await admin.createTopic({ topic: 'goals', partitions: 1, replicas: 1 })
    const producer = new Producer({ brokers: world.addresses })
    await producer.send({ topic: 'goals', value: 'goal 0' })
    await producer.close()
    admin.close()
    t.match(await recover(world), /All partitions of goals have a leader/)
    await world.broker(1).stop() // writes a checkpoint
    const dataDir = join(world.dataDir, 'broker-1')
    const log = readdirSync(dataDir).find((name) => name.endsWith('-0')) ?? ''
    rmSync(join(dataDir, log), { recursive: true })
    await world.startBroker(1)
    const now = world.use(new MqAdmin({ brokers: world.addresses }))
    await until(async () => (await now.recoveryChoices('goals', 0)).choices[0]?.mayLead === true)

    const shown = await recover(world)
    t.match(shown, /goals\/0 has no leader/)
    t.match(shown, / 1 +incomplete +yes +0 +-1 +1 +unknown$/m)
    const [, command = ''] = /zw topics recover goals (.*--apply)/.exec(shown) ?? []
    t.match(command, /^--partition 0 --leader 1 --state-version \d+ --apply$/)
    t.equal(await recover(world, ...command.split(' ')), 'Broker 1 leads goals/0.\n')
    await until(async () => (await now.topic('goals'))?.partitions[0]?.leader === 1)
    await t.rejects(recover(world, ...command.split(' ')), {
      code: 1,
      stderr: /its state has changed since/,
    })
    const again = world.use(new Producer({ brokers: world.addresses }))
    t.match(await again.send({ topic: 'goals', value: 'goal 1' }), { offset: 0 })
  },
)
