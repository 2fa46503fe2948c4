// `zw topics` as an operator runs it: a separate process, with brokers on real ports.

import { execFile } from 'node:child_process'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { decodeTopic, zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import { Producer } from '../../../src/client/mq/producer.ts'
import { type BrokerWorld, until, worldTest } from '../../broker/broker-world.ts'
import { program } from '../../programs.ts'

const exec = promisify(execFile)

async function topics(world: BrokerWorld, ...words: readonly string[]): Promise<string> {
  const brokers = world.addresses.map(({ host, port }) => `${host}:${port}`).join()
  const args = [program('cli'), 'topics', ...words]
  return (await exec(process.execPath, [...args, '--broker', brokers])).stdout
}

worldTest(
  t,
  'zw topics reassign shows a plan, executes it, and takes back what cannot end; elect moves leaders',
  { brokers: 3 },
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    await admin.createTopic({ topic: 'goals', partitions: 2, replicas: 2 })
    const replicasNow = async () =>
      (await admin.topic('goals'))?.partitions.map(({ replicas }) => replicas)
    const before = await replicasNow()
    const over = ['reassign', 'goals', '--brokers', '1,3']
    const shown = await topics(world, ...over)
    t.match(shown, /^goals\/\d +[1-3],[1-3] +[13],[13] /m)
    t.match(shown, /Nothing was changed: add --execute/)
    t.same(await replicasNow(), before)
    const done = JSON.parse(await topics(world, ...over, '--execute', '-o', 'json'))
    t.match(done, { executed: true, version: 1 })
    t.same(
      (await replicasNow())?.map((list) => list.toSorted()),
      [
        [1, 3],
        [1, 3],
      ],
    )
    await admin.reassign(done.before.partitions)
    await until(async () => (await admin.reassignments()).length === 0)
    t.same(await replicasNow(), before)
    // A file is where a replica's directory should be: the move cannot end.
    const { topicId = '' } = (await admin.topic('goals')) ?? {}
    const [kept = 1, gone = 2] = before?.[0] ?? []
    const [free = 3] = [1, 2, 3].filter((id) => id !== kept && id !== gone)
    // The brokers still remove what the moves left, by its name, until the znode has no more of it.
    const zk = await world.zk()
    const leftovers = async () =>
      decodeTopic((await zk.getData(zkPaths.topic('goals'))).data)?.leftovers
    await until(async () => ((await leftovers())?.size ?? 0) === 0)
    writeFileSync(join(world.dataDir, `broker-${free}`, `${topicId}-0`), '')
    await admin.reassign([{ topic: 'goals', partition: 0, replicas: [free, kept] }])
    const listed = await topics(world, 'reassign', '--list')
    t.match(listed, new RegExp(`^goals/0 .* ${free} +${gone}$`, 'm'))
    t.match(await topics(world, 'reassign', 'goals', '--cancel'), /^Cancelled: goals\/0 has/)
    t.same(await replicasNow(), before)
    t.match(await topics(world, 'elect'), /^(All partitions|goals\/\d: broker \d leads)/)
    await t.rejects(topics(world, 'reassign', '--brokers', '9'), { code: 1, stderr: /not alive/ })
  },
)

function recover(world: BrokerWorld, ...words: readonly string[]): Promise<string> {
  return topics(world, 'recover', 'goals', ...words)
}

worldTest(
  t,
  'zw topics creates, changes, describes and deletes a topic',
  { brokers: 1 },
  async (t, world) => {
    const config = ['--config', 'retention.ms=1000', '--config', 'cleanup.policy=compact']
    t.equal(
      await topics(world, 'create', 'goals', '--partitions', '2', ...config),
      'Created topic goals: partitions 2, replicas 1.\n',
    )
    const values = { 'cleanup.policy': 'compact', 'segment.ms': '7' }
    const changes = ['--config', 'segment.ms=7', '--delete-config', 'retention.ms']
    const changed = await topics(world, 'alter', 'goals', ...changes, '-o', 'json')
    t.same(JSON.parse(changed), { topic: 'goals', configs: values })
    await topics(world, 'partitions', 'goals', '--partitions', '3')
    t.match(await topics(world, 'list'), /^goals +3 +1$/m)
    const producer = world.use(new Producer({ brokers: world.addresses }))
    for (const key of 'abcde') await producer.send({ topic: 'goals', partition: 1, key, value: '' })
    const [described] = JSON.parse(
      await topics(world, 'describe', 'goals', '--sizes', '-o', 'json'),
    )
    const [, { sizes }] = described.partitions
    t.match(sizes, [{ broker: 1, sizeBytes: /^[1-9]\d+$/, lag: 0 }])
    t.match(described, { topic: 'goals', configs: { 'segment.ms': { source: 'topic' } } })
    t.same(
      described.partitions.map(({ leader, latest }: Record<string, unknown>) => [leader, latest]),
      [
        [1, 0],
        [1, 5],
        [1, 0],
      ],
    )
    const cut = ['delete-records', 'goals', '--partition', '1', '-y', '--before']
    await t.rejects(topics(world, ...cut, '2'), { code: 1, stderr: /cleanup.policy is compact/ })
    await topics(world, 'alter', 'goals', '--config', 'cleanup.policy=compact,delete')
    await t.rejects(topics(world, ...cut, '6'), { code: 1, stderr: /goals\/1 .*ends at 5$/m })
    t.equal(await topics(world, ...cut, '2'), 'goals/1 begins at 2 now.\n')
    const rest = await topics(world, ...cut, 'end', '-o', 'json')
    t.same(JSON.parse(rest), [{ topic: 'goals', partition: 1, earliest: 5 }])
    await t.rejects(topics(world, 'delete', 'goals'), { code: 2, stderr: /add -y/ })
    t.equal(await topics(world, 'delete', 'goals', '-y'), 'Deleted topic goals.\n')
    t.equal(await topics(world, 'list', '-o', 'json'), '[]\n')
    await t.rejects(topics(world, 'delete', 'goals', '-y'), { code: 1, stderr: /does not exist/ })
    await t.rejects(topics(world, 'create', 'x', '--config', 'retention=1'), {
      code: 1,
      stderr: /retention is no key of a topic/,
    })
  },
)

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
