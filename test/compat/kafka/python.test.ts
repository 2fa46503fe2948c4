import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { findCoordinator } from '../../../src/protocol/kafka/api/find-coordinator.ts'
import { metadata } from '../../../src/protocol/kafka/api/metadata.ts'
import { type BrokerWorld, worldTest } from '../../broker/broker-world.ts'
import { kafkaClient } from '../../broker/kafka/kafka-client.ts'
import { pythonWith } from '../tools.ts'

/** A line of a script's output. */
type Line =
  | { readonly claim: string; readonly error: string | null }
  | { readonly do: 'stop leader'; readonly topic: string }
  | { readonly do: 'stop coordinator'; readonly group: string }
  | { readonly done: true }

const scripts = [
  { script: 'kafka_python_claims.py', module: 'kafka', debian: 'python3-kafka' },
  { script: 'confluent_claims.py', module: 'confluent_kafka', debian: 'python3-confluent-kafka' },
  { script: 'kafka_python_groups.py', module: 'kafka', debian: 'python3-kafka' },
  { script: 'confluent_groups.py', module: 'confluent_kafka', debian: 'python3-confluent-kafka' },
]
/** A killed member is detected soon. */
const flags = ['--group.min.session.timeout.ms=1000']

for (const { script, module, debian } of scripts) {
  const python = pythonWith(module)
  if (python === undefined) t.comment(`${module} is not installed (Debian: ${debian})`)
  else {
    worldTest(t, script, { brokers: 3, flags }, async (t, world) => {
      await runClaims(t, world, [python, fileURLToPath(new URL(script, import.meta.url))])
    })
  }
}

async function runClaims(
  t: Test,
  world: BrokerWorld,
  [python, script]: readonly [string, string],
): Promise<void> {
  const servers = world.addresses.map(({ host, port }) => `${host}:${port}`).join(',')
  const child = spawn(python, [script, servers], { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = once(child, 'close')
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text
  })
  try {
    let done = false
    for await (const text of createInterface({ input: child.stdout })) {
      const line = JSON.parse(text) as Line
      if ('claim' in line) t.equal(line.error, null, line.claim)
      else if ('do' in line) {
        if (line.do === 'stop leader') await stopLeader(world, line.topic)
        else await stopCoordinator(world, line.group)
        child.stdin.write('\n')
      } else done = line.done
    }
    t.ok(done, 'the script ran to its end')
    if (!t.passing()) t.comment(errors)
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

async function stopLeader(world: BrokerWorld, topic: string): Promise<void> {
  const client = kafkaClient(world)
  const { topics } = await client.send(metadata, 5, { topics: [{ name: topic }] })
  await world.broker(topics[0]?.partitions[0]?.leaderId ?? 0).stop()
}

async function stopCoordinator(world: BrokerWorld, group: string): Promise<void> {
  const asked = { key: group, keyType: 0 }
  const { nodeId } = await kafkaClient(world).send(findCoordinator, 2, asked)
  await world.broker(nodeId).stop()
}
