// A real server lets only brokers with the cluster's secret change the cluster's znodes.

import t from 'tap'
import { zkPaths } from '../../src/broker/cluster/zk-paths.ts'
import { ForeignClusterError, makeSharedNodes } from '../../src/broker/session/registration.ts'
import { MqAdmin } from '../../src/client/mq/mq-admin.ts'
import { ZkClient } from '../../src/client/zk/zk-client.ts'
import { ClusterSecret } from '../../src/protocol/mq/cluster-secret.ts'
import { perms } from '../../src/protocol/records.ts'
import { worldTest } from './broker-world.ts'

worldTest(
  t,
  'a client without the secret reads the znodes of brokers but changes none',
  { brokers: 1 },
  async (t, world) => {
    const admin = world.use(new MqAdmin({ brokers: world.addresses }))
    await admin.createTopic({ topic: 'goals', partitions: 1, replicas: 1 })
    const stranger = world.use(new ZkClient({ servers: world.zooweeper }))
    const owned = [
      zkPaths.brokers,
      zkPaths.brokerIds,
      zkPaths.topics,
      zkPaths.topic('goals'),
      zkPaths.state('goals', 0),
      zkPaths.controller,
      zkPaths.controllerEpoch,
      zkPaths.clusterId,
      ...(await stranger.getChildren(zkPaths.brokerIds)).children.map(
        (id) => `${zkPaths.brokerIds}/${id}`,
      ),
    ]
    t.equal(owned.length, 9)
    const refused = { code: 'NOAUTH' }
    for (const path of owned) {
      await t.resolves(stranger.getData(path), path)
      await t.rejects(stranger.setData(path, 'mine'), refused, path)
      const mine = [{ perms: perms.all, scheme: 'world', id: 'anyone' }]
      await t.rejects(stranger.setACL(path, mine), refused, path)
    }
    await t.rejects(stranger.create(`${zkPaths.brokerIds}/7`, '{}'), refused)
    await t.rejects(stranger.create(`${zkPaths.topics}/mine`, '{}'), refused)
    await t.rejects(stranger.delete(zkPaths.state('goals', 0)), refused)
  },
)

worldTest(t, 'a broker with another secret does not enter', { brokers: 1 }, async (t, world) => {
  const other = new ClusterSecret(Buffer.from('the secret of another cluster'))
  const zk = world.use(new ZkClient({ servers: world.zooweeper }))
  await zk.addAuth('digest', other.credential)
  const entering = makeSharedNodes(zk, other.acl)
  await t.rejects(entering, { message: /belongs to brokers with another secret/ })
  await t.rejects(makeSharedNodes(zk, other.acl), ForeignClusterError)
})
