// `zw topics` as an operator runs it: a separate process, with brokers on real ports.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
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

worldTest(
  t,
  'zw topics reassign --throttle limits what is copied, says when that stays, and takes it back',
  { brokers: 3 },
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    await admin.createTopic({ topic: 'goals', partitions: 1, replicas: 2 })
    const [info] = (await admin.topic('goals'))?.partitions ?? []
    const { leader = 0, replicas = [] } = info ?? {}
    const away = replicas.find((id) => id !== leader) ?? 0
    const free = [1, 2, 3].find((id) => id !== leader && id !== away) ?? 0
    const producer = world.use(new Producer({ brokers: world.addresses }))
    const value = Buffer.alloc(4000, 'x')
    for (let i = 0; i < 4; i++) await producer.send({ topic: 'goals', partition: 0, value })
    const own = async () => ({
      lists: ((await admin.topicConfigs(['goals'])).get('goals') ?? [])
        .filter(({ source }) => source === 'topic')
        .map(({ name, value }) => `${name}=${value}`),
      rates: (await Promise.all([1, 2, 3].map((broker) => admin.brokerConfig(broker)))).map(
        (entries) =>
          entries.flatMap(({ source, value }) => (source === 'dynamicBroker' ? [value] : [])),
      ),
    })
    const nothing = { lists: [], rates: [[], [], []] }
    // Without --execute nothing is set; with it, four batches take ten seconds each.
    const over = ['reassign', 'goals', '--brokers', `${leader},${free}`, '--throttle', '1']
    await topics(world, ...over)
    t.same(await own(), nothing)
    const brokers = world.addresses.map(({ host, port }) => `${host}:${port}`).join()
    const args = [program('cli'), 'topics', ...over, '--execute', '--broker', brokers]
    const moving = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    moving.stderr.on('data', (data) => {
      said += data
    })
    const ended = once(moving, 'close')
    await until(() => said.includes('1 of 1 partitions are being moved'))
    t.same(await own(), {
      lists: [
        `follower.replication.throttled.replicas=0:${free}`,
        `leader.replication.throttled.replicas=${replicas.map((id) => `0:${id}`).join()}`,
      ],
      rates: [
        ['1', '1'],
        ['1', '1'],
        ['1', '1'],
      ],
    })
    moving.kill('SIGINT')
    t.same(await ended, [130, null])
    t.match(said, /stays set while replicas move: zw topics reassign --throttle none takes/)
    t.match(await topics(world, 'reassign', '--list'), /^Throttle of broker 1: as leader 1 bytes/m)
    t.equal((await admin.reassignments()).length, 1)
    t.match(await topics(world, 'reassign', '--throttle', 'none'), /without a throttle/)
    t.same(await own(), nothing)
    await until(async () => (await admin.reassignments()).length === 0)
    // At the end, and when it is cancelled, it is taken back.
    await topics(
      world,
      'reassign',
      'goals',
      '--brokers',
      `${leader},${away}`,
      '--execute',
      '--throttle',
      '100000',
    )
    t.same(await own(), nothing)
    await admin.alterBrokerConfig(leader, { set: { 'leader.replication.throttled.rate': '1' } })
    await admin.alterTopicConfig('goals', {
      set: { 'leader.replication.throttled.replicas': `0:${leader}` },
    })
    await admin.reassign([{ topic: 'goals', partition: 0, replicas: [leader, free] }])
    await topics(world, 'reassign', '--cancel')
    t.same(await own(), nothing)
    await t.rejects(topics(world, 'reassign', '--list', '--throttle', '1'), { code: 2 })
    await t.rejects(topics(world, 'reassign', '--throttle', '0'), { code: 2, stderr: /from 1/ })
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
