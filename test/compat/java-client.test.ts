import t from 'tap'
import { Conversation } from './conversation.ts'
import { withoutZooKeeper, zkCli } from './tools.ts'
import { connectString, startForClients } from './world.ts'

const stat = /cZxid = 0x[\s\S]*?numChildren = \d+\n/.source

/** The input of ZooKeeper's own shell, and its expected output. */
const exchanges: readonly (readonly [line: string, ...answers: RegExp[]])[] = [
  ['create /j one', /Created \/j\n/],
  ['create -s /j/s- a', /Created \/j\/s-0000000000\n/],
  ['create -e /j/e b', /Created \/j\/e\n/],
  ['create -c /j/c', /Created \/j\/c\n/],
  ['create -t 100000 /j/t ttl', /Created \/j\/t\n/],
  ['create -e -s /j/es-', /Created \/j\/es-0000000004\n/],
  ['create /j', /Node already exists: \/j\n/],
  ['create /j/e/x', /Ephemerals cannot have children: \/j\/e\/x\n/],
  ['create /j/deep', /Created \/j\/deep\n/],
  ['create /j/deep/er x', /Created \/j\/deep\/er\n/],
  ['get -s /j', /one\ncZxid = 0x/, /cversion = 6\ndataVersion = 0\naclVersion = 0\n/],
  ['set -s /j two', /dataVersion = 1\n[\s\S]*dataLength = 3\nnumChildren = 6\n/],
  ['set -v 99 /j three', /version No is not valid : \/j\n/],
  ['get /nothing', /Node does not exist: \/nothing\n/],
  ['ls -s /j', /\[c, deep, e, es-0000000004, s-0000000000, t\]\n/, new RegExp(stat)],
  ['ls -R /j', /\/j\n\/j\/c\n\/j\/deep\n\/j\/e\n[\s\S]*\/j\/deep\/er\n/],
  ['ls -w /j', /\[c, deep, e, es-0000000004, s-0000000000, t\]\n/],
  ['create /j/w', /type:NodeChildrenChanged path:\/j\n/],
  ['get -w /j', /two\n/],
  ['set /j four', /type:NodeDataChanged path:\/j\n/],
  ['stat -w /j/w', new RegExp(stat)],
  ['delete -v 7 /j/w', /version No is not valid : \/j\/w\n/],
  ['delete /j/w', /type:NodeDeleted path:\/j\/w\n/],
  ['delete /j', /Node not empty: \/j\n/],
  ['deleteall /j/deep'],
  ['getAcl -s /j', /'world,'anyone\n: cdrwa\n/, new RegExp(stat)],
  ['addauth digest user:password'],
  ['setAcl /j auth::cdrwa'],
  ['getAcl /j', /'digest,'user:tpUq\/4Pn5A64fVZyQ0gOJ8ZWqkY=\n: cdrwa\n/],
  ['setAcl -R /j world:anyone:cdrwa'],
  ['addWatch -m PERSISTENT_RECURSIVE /j'],
  ['create /j/watched', /type:NodeCreated path:\/j\/watched\n/],
  ['removewatches /j -a', /type:PersistentWatchRemoved path:\/j\n/],
  ['sync /j', /Sync is OK\n/],
  ['getEphemerals /j', /\[\/j\/es-0000000004, \/j\/e\]|\[\/j\/e, \/j\/es-0000000004\]/],
  ['getAllChildrenNumber /j', /\n6\n/],
  ['whoami', /Auth scheme: User\n/, /ip: 127\.0\.0\.1\n/],
  ['setquota -n 10 /j'],
  ['listquota /j', /count=10,bytes=-1/, /Output stat for \/j count=7,bytes=9/],
  ['delquota /j'],
  ['setquota -N 2 /j/t'],
  ['create /j/t/1', /Created \/j\/t\/1\n/],
  ['create /j/t/2', /Quota has exceeded : \/j\/t\/2\n/],
  [
    'config',
    /server\.1=127\.0\.0\.1:\d+:\d+:participant[^\n]*\nserver\.2=[^\n]*\nserver\.3=[^\n]*\nversion=\d00000000\n/,
  ],
  ['reconfig -remove 3', /Insufficient permission : \n/],
  ['addauth digest super:secret'],
  ['config -c', /\d00000000 127\.0\.0\.1:\d+,127\.0\.0\.1:\d+,127\.0\.0\.1:\d+/],
  ['config -w', /server\.1=/],
  [
    'reconfig -add server.9=127.0.0.1:1:2:observer;127.0.0.1:3',
    // Two threads of zkCli print the event and the answer, in either order.
    /(?=[\s\S]*type:NodeDataChanged path:\/zookeeper\/config\n)[\s\S]*Committed new configuration:\n[^\n]*\n[^\n]*\n[^\n]*\nserver\.9=127\.0\.0\.1:1:2:observer;127\.0\.0\.1:3\nversion=/,
  ],
  ['reconfig -v 1 -remove 9', /version No is not valid : \n/],
  ['reconfig -s -remove 9', /Committed new configuration:\n(?!.*server\.9)[\s\S]*?cZxid = 0x/],
  ['reconfig -remove 1,2,3', /Arguments are not valid : \n/],
  ['reconfig -add server.9=127.0.0.1:1:2:participant', /Arguments are not valid : \n/],
  ['ls /zookeeper', /\[config, quota\]\n/],
  ['deleteall /j/t'],
  ['ls /j', /\[c, e, es-0000000004, s-0000000000, watched\]\n/],
]

t.test('zkCli, of Java', { skip: withoutZooKeeper ?? false }, async (t) => {
  const world = await startForClients(t, '--reconfig-enabled')
  const shell = new Conversation(t, 'java', [
    ...['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', ...zkCli],
    ...['-server', connectString(world)],
  ])
  await shell.hears(/state:SyncConnected type:None/)
  for (const [line, ...answers] of exchanges) {
    shell.say(line)
    for (const answer of answers) t.ok(await shell.hears(answer), line)
  }
  const members = world.cluster.servers.map(({ id, address: { host, port } }) => {
    const role = id === 3 ? 'observer' : 'participant'
    const [peer, election] = [200, 150].map((offset) => world.basePort + offset + id)
    return `server.${id}=${host}:${peer}:${election}:${role};${host}:${port}`
  })
  shell.say(`reconfig -members ${members.join()}`)
  const committed = await shell.hears(/Committed new configuration:\n([\s\S]*)\nversion=/)
  t.same(committed[1]?.split('\n'), members)
  shell.say('quit')
  t.equal(await shell.closed(), 0)
})
