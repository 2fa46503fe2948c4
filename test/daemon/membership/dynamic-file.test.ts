import t from 'tap'
import type { ListenAddress } from '../../../src/address.ts'
import { daemonProgram } from '../../../src/daemon/config-rows.ts'
import {
  dynamicFileOf,
  dynamicFileText,
  staticFileText,
} from '../../../src/daemon/membership/dynamic-file.ts'
import { Names } from '../../../src/option-names.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'

const names = new Names(daemonProgram)

function edited(before: string, client?: ListenAddress): string {
  const nameOf = (key: string): string | undefined => names.resolve(key)
  return staticFileText(before, { dynamicFile: '/etc/z.dynamic.1', nameOf, client })
}

const pointer = 'dynamicConfigFile=/etc/z.dynamic.1\n'
const cases: {
  readonly name: string
  readonly before: string
  readonly client?: ListenAddress
  readonly want: string
}[] = [
  {
    name: 'the members move out, all else stays where it is',
    before:
      '# ours\ntickTime=100\n\nserver.1=a:1:2\nserver.22=b:1:2\ngroup.1=1\nweight.1=1\n! end\n',
    want: `# ours\ntickTime=100\n\n! end\n${pointer}`,
  },
  {
    name: 'it names one dynamic file, and its role is in there',
    before: 'dynamicConfigFile=/etc/z.dynamic.0\ndataDir=/d\npeerType=observer',
    want: `dataDir=/d\n${pointer}`,
  },
  {
    name: 'in any spelling that is read',
    before: 'zookeeper.server.1 : a:1:2\ndynamic-config-file=x\nclient-port=1\ndataDir=/d\r\n',
    client: { host: undefined, port: 1 },
    want: `dataDir=/d\n${pointer}`,
  },
  {
    name: 'a value of several lines goes whole',
    before: 'a=\\\nb\nserver.1=a:1:2\\\n  ;2181\n  \\\n\ndataDir=/d\n',
    want: `a=\\\nb\n  \\\n\ndataDir=/d\n${pointer}`,
  },
  {
    name: 'the address for clients stays if the line of the server has none',
    before: 'clientPort=2181\nclientPortAddress=h\nclientPortListenBacklog=9\n',
    want: `clientPort=2181\nclientPortAddress=h\nclientPortListenBacklog=9\n${pointer}`,
  },
  {
    name: 'otherwise it goes',
    before: 'clientPort=2181\nclientPortAddress=h\nclientPortListenBacklog=9\n',
    client: { host: 'h', port: 2181 },
    want: `clientPortListenBacklog=9\n${pointer}`,
  },
  {
    name: 'an address that the line leaves open stays: clients must not reach more of them',
    before: 'clientPort=2181\nclientPortAddress=127.0.0.1\n',
    client: { host: '0.0.0.0', port: 2181 },
    want: `clientPortAddress=127.0.0.1\n${pointer}`,
  },
  { name: 'comments are no keys', before: '#server.1=a:1:2', want: `#server.1=a:1:2\n${pointer}` },
]
for (const { name, before, client, want } of cases) {
  t.test(`the static file: ${name}`, async (t) => {
    const after = edited(before, client)
    t.equal(after, want)
    t.equal(edited(after, client), after, 'once is enough')
  })
}

t.test('the dynamic file is named by the version, and sorted as in ZooKeeper', async (t) => {
  t.equal(dynamicFileOf('/etc/zoo.cfg', 0x1_0000_000f as Zxid), '/etc/zoo.cfg.dynamic.10000000f')
  t.equal(
    dynamicFileText('server.2=b:1:2\nserver.10=c:1:2\ngroup.1=2:10'),
    'group.1=2:10\nserver.10=c:1:2\nserver.2=b:1:2\n',
  )
})
