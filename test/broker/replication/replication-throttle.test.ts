import t from 'tap'
import { encodeConfig } from '../../../src/broker/cluster/cluster-configs.ts'
import { ClusterImage } from '../../../src/broker/cluster/cluster-image.ts'
import { ReplicationThrottle } from '../../../src/broker/replication/replication-throttle.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import { VirtualClock } from '../../virtual-clock.ts'
import { ids, members } from '../partition/members.ts'

const [leader = 1 as BrokerId, other = 2 as BrokerId, follower = 3 as BrokerId] = ids(1, 2, 3)
const place = (partition: number) => ({ topic: 'goals', partition })

/** Broker 3 catches up with partition 0 from broker 1, and with partition 1 from broker 2. */
function world() {
  const clock = new VirtualClock()
  const image = new ClusterImage()
  const configure = (type: 'topic' | 'broker', name: string, config: Record<string, string>) => {
    image.setConfig({ type, name }, Buffer.from(encodeConfig(new Map(Object.entries(config)))))
  }
  image.setTopic('goals', { topicId: 'x', replicas: [ids(1, 3), ids(2, 3)] })
  let version = 0
  const setIsr = (partition: number, leads: BrokerId, ...isr: number[]) => {
    image.setState('goals', partition, {
      leader: leads,
      leaderEpoch: 4,
      controllerEpoch: 1,
      isr: members(...isr),
      eligible: [],
      committed: 0,
      uncleanEpoch: -1,
      version: ++version,
    })
  }
  setIsr(0, leader, 1)
  setIsr(1, other, 2)
  const throttle = new ReplicationThrottle({ self: leader, image, clock })
  return { clock, throttle, configure, setIsr }
}

t.test('a rate holds only for the replicas that the topic lists', async (t) => {
  const { clock, throttle, configure } = world()
  t.notOk(throttle.isOn)
  configure('broker', '<default>', { 'leader.replication.throttled.rate': '1000' })
  t.ok(throttle.isOn)
  t.equal(throttle.room(place(0), follower), Number.POSITIVE_INFINITY)
  // 0:3 names the follower, which has no say in what leaders send.
  configure('topic', 'goals', { 'leader.replication.throttled.replicas': '1:1,0:3' })
  t.equal(throttle.room(place(0), follower), Number.POSITIVE_INFINITY)
  t.equal(throttle.room(place(1), follower), 0)
  clock.advanceNow(500)
  t.equal(throttle.room(place(1), follower), 500)
})

t.test('a broker’s own rate goes before the one of all, and may lift it', async (t) => {
  const { clock, throttle, configure } = world()
  configure('topic', 'goals', { 'leader.replication.throttled.replicas': '*' })
  configure('broker', '<default>', { 'leader.replication.throttled.rate': '1000' })
  configure('broker', '1', { 'leader.replication.throttled.rate': '100' })
  t.equal(throttle.room(place(0), follower), 0)
  clock.advanceNow(60_000)
  t.equal(throttle.room(place(0), follower), 100)
  configure('broker', '1', { 'leader.replication.throttled.rate': '9223372036854775807' })
  t.equal(throttle.room(place(0), follower), Number.POSITIVE_INFINITY)
})

t.test('the lower of two rates holds, and both are used up', async (t) => {
  const { clock, throttle, configure } = world()
  configure('topic', 'goals', {
    'leader.replication.throttled.replicas': '*',
    'follower.replication.throttled.replicas': '0:3,1:3',
  })
  configure('broker', '1', { 'leader.replication.throttled.rate': '1000' })
  configure('broker', '3', { 'follower.replication.throttled.rate': '600' })
  throttle.room(place(0), follower)
  clock.advanceNow(1000)
  t.equal(throttle.room(place(0), follower), 300, 'half of the follower’s rate')
  t.equal(throttle.room(place(0), other), 1000)
  throttle.sent(place(0), follower, 300)
  t.equal(throttle.room(place(0), follower), 0)
  t.equal(throttle.room(place(0), other), 700)
})

t.test('the rate of a follower is shared by the leaders from which it catches up', async (t) => {
  const { clock, throttle, configure, setIsr } = world()
  configure('topic', 'goals', { 'follower.replication.throttled.replicas': '*' })
  configure('broker', '3', { 'follower.replication.throttled.rate': '600' })
  throttle.room(place(0), follower)
  clock.advanceNow(5000)
  t.equal(throttle.room(place(0), follower), 300)
  setIsr(1, other, 2, 3)
  clock.advanceNow(5000)
  t.equal(throttle.room(place(0), follower), 600)
})
