import t from 'tap'
import { ProduceRequests } from '../../../src/client/mq/produce-requests.ts'
import { limits } from '../../../src/limits.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import type { ProducePartition, ProduceRequest } from '../../../src/protocol/mq/produce.ts'
import { Turn } from '../../../src/turn.ts'
import { VirtualClock } from '../../virtual-clock.ts'

const brokers = [1, 2].map((id) => ({ id: id as BrokerId, host: `mq${id}`, port: 9092 }))
const [one, two] = brokers as [(typeof brokers)[0], (typeof brokers)[0]]

interface Sent {
  readonly host: string
  readonly request: ProduceRequest
}

/** Answers with 100 times the partition, or with the error for partition 7. */
function world(acks: 'all' | 'none' = 'all') {
  const sent: Sent[] = []
  const ends: (() => void)[] = []
  const connectionTo = ({ host }: { readonly host: string }) => ({
    post: (request: ProduceRequest) => void sent.push({ host, request }),
    call: async (request: ProduceRequest) => {
      sent.push({ host, request })
      if (host === 'mq2') throw new BrokerError('NETWORK_EXCEPTION', 'it is gone')
      const partitions = request.partitions.map(({ topic, partition }) => ({
        topic,
        partition,
        error: partition === 7 ? { code: 'NOT_LEADER_OR_FOLLOWER', message: 'no' } : undefined,
        baseOffset: 100 * partition,
        logStart: 0,
      }))
      return { type: 'produce', partitions }
    },
  })
  const cluster = {
    turn: new Turn((end) => ends.push(end)),
    clock: new VirtualClock(),
    refresh: async () => undefined,
    connectionTo,
  } as never
  const endTurn = () => {
    for (const end of ends.splice(0)) end()
  }
  return { sent, endTurn, requests: new ProduceRequests({ cluster, acks }) }
}

function batch(partition: number, bytes = 10): ProducePartition {
  return { topic: 'goals', partition, batch: Buffer.alloc(bytes) }
}

t.test('the batches of a turn for one broker leave in one request', async (t) => {
  const { sent, endTurn, requests } = world()
  const offsets = [1, 0, 2, 1].map((partition) => requests.send(one, batch(partition), 500))
  t.same(sent, [], 'not before the end of the turn')
  endTurn()
  t.same(await Promise.all(offsets), [100, 0, 200, 100])
  t.same(
    sent.map(({ request }) => request.partitions.map(({ partition }) => partition)),
    [[1, 0, 2, 1]],
  )
  const later = requests.send(one, batch(3), 500)
  endTurn()
  t.equal(await later, 300)
  t.equal(sent.length, 2)
})

t.test('each batch has its own outcome, and each broker its own request', async (t) => {
  const { endTurn, requests } = world()
  const stored = requests.send(one, batch(1), 500)
  const refused = requests.send(one, batch(7), 500)
  const lost = requests.send(two, batch(1), 500)
  endTurn()
  t.equal(await stored, 100)
  await t.rejects(refused, { code: 'NOT_LEADER_OR_FOLLOWER' })
  await t.rejects(lost, { code: 'NETWORK_EXCEPTION' })
})

t.test('a request is not larger than a frame, nor waits longer than its batches', async (t) => {
  const { sent, endTurn, requests } = world()
  const half = limits.produceRequestBytesMax / 2
  const all = [half, half, 1].map((bytes) => requests.send(one, batch(1, bytes), 500))
  all.push(requests.send(one, batch(1), 40))
  endTurn()
  await Promise.all(all)
  t.same(
    sent.map(({ request }) => [request.partitions.length, request.timeoutMs]),
    [
      [2, 500],
      [1, 500],
      [1, 40],
    ],
  )
})

t.test('without acks there is no answer to wait for', async (t) => {
  const { sent, endTurn, requests } = world('none')
  const offset = requests.send(two, batch(1), 500)
  endTurn()
  t.equal(await offset, -1)
  t.equal(sent.length, 1)
})
