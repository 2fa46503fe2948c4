import { once } from 'node:events'
import net from 'node:net'
import t, { type Test } from 'tap'
import type { ChannelOptions } from '../../../bench/mq/channel.ts'
import { NatsChannel } from '../../../bench/mq/nats-channel.ts'
import { RedisChannel } from '../../../bench/mq/redis-channel.ts'

/** A server that passes what arrives to `answer`, and sends the result one byte at a time. */
async function startScript(t: Test, answer: (text: string) => string) {
  const server = net.createServer((socket) => {
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      for (const byte of answer(chunk.toString('latin1'))) socket.write(byte, 'latin1')
    })
    t.teardown(() => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as net.AddressInfo
  const options: ChannelOptions = {
    addresses: [{ host: '127.0.0.1', port }],
    topic: 'x',
    partitions: 2,
    recordBytes: 5,
    seed: 1,
    failed: () => undefined,
  }
  return options
}

t.test('a batch for Redis is stored when each of its entries is answered', async (t) => {
  let asked = 0
  const options = await startScript(t, (text) => {
    const adds = text.split('XADD').length - 1
    asked += adds
    return '$3\r\n1-1\r\n'.repeat(adds).replace('$3\r\n1-1\r\n', '-OOM no memory\r\n')
  })
  const channel = await RedisChannel.open(options)
  const failed = await new Promise((stored) => {
    channel.send(1, 4, stored)
    channel.flush()
  })
  t.equal(asked, 4)
  t.equal(failed, 1, 'the entry that Redis refused')
})

t.test(
  'entries of Redis are counted by stream, and the next read goes on after them',
  async (t) => {
    const entry = (id: string) => `*2\r\n$3\r\n${id}\r\n*2\r\n$1\r\nv\r\n$5\r\n*\r\n$-\r\n`
    const stream = (name: string, ids: readonly string[]) =>
      `*2\r\n$3\r\n${name}\r\n*${ids.length}\r\n${ids.map(entry).join('')}`
    const reads: string[] = []
    const options = await startScript(t, (text) => {
      reads.push(text)
      if (reads.length > 1) return ''
      return `*2\r\n${stream('x-1', ['7-1', '7-2'])}${stream('x-0', ['8-1'])}`
    })
    const channel = await RedisChannel.open(options)
    const received: [number, number][] = []
    await new Promise<void>((resolve) => {
      void channel.read('all', (...piece) => {
        received.push(piece)
        if (received.length === 2) setImmediate(resolve)
      })
    })
    t.same(received, [
      [0, 1],
      [1, 2],
    ])
    while (reads.length < 2) await new Promise((resolve) => setImmediate(resolve))
    t.match(reads[1], /STREAMS.*x-0.*x-1.*8-1.*7-2/s)
  },
)

t.test('a batch for NATS is stored when each of its messages is acknowledged', async (t) => {
  const options = await startScript(t, (text) => {
    const inbox = /PUB x-1 (_A\.\d+) 5/.exec(text)?.[1]
    if (inbox === undefined) return ''
    const good = '{"stream":"x-1","seq":1}'
    const bad = '{"error":{"code":503}}'
    const message = (body: string) => `MSG ${inbox} 2 ${body.length}\r\n${body}\r\n`
    return `PING\r\n${message(good)}${message(bad)}${message(good)}`
  })
  const channel = await NatsChannel.open(options)
  const failed = await new Promise((stored) => {
    channel.send(1, 3, stored)
    channel.flush()
  })
  t.equal(failed, 1, 'the message that NATS refused')
})
