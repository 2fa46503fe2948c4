import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { metadata } from '../../../src/protocol/kafka/api/metadata.ts'
import { type BrokerWorld, worldTest } from '../../broker/broker-world.ts'
import { kafkaClient } from '../../broker/kafka/kafka-client.ts'
import { pythonWith } from '../tools.ts'

/** What a script writes. */
type Line =
  | { readonly claim: string; readonly error: string | null }
  | { readonly do: 'stop leader'; readonly topic: string }
  | { readonly done: true }

const scripts = [
  { script: 'kafka_python_claims.py', module: 'kafka', debian: 'python3-kafka' },
  { script: 'confluent_claims.py', module: 'confluent_kafka', debian: 'python3-confluent-kafka' },
]
for (const { script, module, debian } of scripts) {
  const python = pythonWith(module)
  if (python === undefined) t.comment(`${module} is not installed (Debian: ${debian})`)
  else {
    worldTest(t, script, { brokers: 3 }, async (t, world) => {
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
        await stopLeader(world, line.topic)
        child.stdin.write('\n')
      } else done = line.done
    }
    t.ok(done, 'the script came to its end')
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
