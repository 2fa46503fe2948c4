import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { worldTest } from '../../broker/broker-world.ts'
import { newTopic } from '../../broker/kafka/exchanges.ts'
import { kafkaClient } from '../../broker/kafka/kafka-client.ts'
import { withoutKcat } from '../tools.ts'

/** @returns both outputs */
async function kcat(
  args: readonly string[],
  input?: string,
): Promise<{ out: string; err: string }> {
  const child = spawn('kcat', args)
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString()
  if (code !== 0) throw new Error(`kcat ${args.join(' ')}: exit ${code}: ${text(err)}`)
  return { out: text(out), err: text(err) }
}

const skip = withoutKcat

if (skip !== undefined) t.comment(skip)
else {
  worldTest(t, 'kcat -L shows brokers and topics', { brokers: 3 }, async (t, world) => {
    await newTopic(kafkaClient(world), 'goals', { partitions: 2, replicas: 3 })
    const { out } = await kcat(['-b', servers(world.addresses), '-L', '-J'])
    const { brokers, topics } = JSON.parse(out)
    t.equal(brokers.length, 3)
    t.match(topics, [{ topic: 'goals', partitions: [{ partition: 0 }, { partition: 1 }] }])
    t.equal(topics[0].partitions[0].isrs.length, 3)
  })

  worldTest(t, 'kcat -P and -C, with every codec', { brokers: 1 }, async (t, world) => {
    await newTopic(kafkaClient(world), 'goals')
    const [broker, topic] = [
      ['-b', servers(world.addresses)],
      ['-t', 'goals', '-p', '0'],
    ]
    const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
    for (const codec of codecs) {
      const compressed = ['-z', codec, '-K', ':', '-H', `codec=${codec}`]
      const input = `k1:${codec} one\nk2:${codec} two\n`
      const { err } = await kcat([...broker, '-P', ...topic, ...compressed], input)
      t.equal(err, '', `${codec}: no warning that it does not compress`)
    }
    const format = ['-f', '%o %k %s %h\n', '-q']
    const { out } = await kcat([...broker, '-C', ...topic, '-o', 'beginning', '-e', ...format])
    const wanted = codecs.flatMap((codec, i) => [
      `${2 * i} k1 ${codec} one codec=${codec}`,
      `${2 * i + 1} k2 ${codec} two codec=${codec}`,
    ])
    t.same(out.trim().split('\n'), wanted)
  })

  worldTest(t, 'kcat: idempotence, acks, offsets', { brokers: 3 }, async (t, world) => {
    await newTopic(kafkaClient(world), 'goals', { replicas: 3 })
    const [broker, topic] = [
      ['-b', servers(world.addresses)],
      ['-t', 'goals', '-p', '0'],
    ]
    for (const property of ['enable.idempotence=true', 'acks=all', 'acks=1', 'acks=0']) {
      await kcat([...broker, '-P', ...topic, '-X', property], `${property}\n`)
    }
    const { out } = await kcat([...broker, '-C', ...topic, '-o', 'beginning', '-c', '4', '-q'])
    t.equal(out, 'enable.idempotence=true\nacks=all\nacks=1\nacks=0\n')
    t.match((await kcat([...broker, '-Q', '-t', 'goals:0:-1'])).out, 'goals [0] offset 4')
    t.match((await kcat([...broker, '-Q', '-t', 'goals:0:-2'])).out, 'goals [0] offset 0')
    const last = await kcat([...broker, '-C', ...topic, '-o', '-1', '-e', '-q'])
    t.equal(last.out, 'acks=0\n', 'the last record')
  })
}

function servers(addresses: readonly { host: string; port: number }[]): string {
  return addresses.map(({ host, port }) => `${host}:${port}`).join(',')
}
