import t from 'tap'
import { askWord } from '../../src/client/zk/ask-word.ts'
import { realWorld } from '../../src/real-world.ts'
import { Conversation } from './conversation.ts'
import { cliMt, withoutCliMt } from './tools.ts'
import { connectString, startForClients } from './world.ts'

/** The input of the C client's shell, and its expected output. */
const exchanges: readonly (readonly [line: string, ...answers: RegExp[]])[] = [
  ['create /c', /\[\/c\]: rc = 0/, /name = \/c\n/],
  ['create2 +c /container', /\(mode: 4\)/, /rc = 0/, /version=0\taversion=0/],
  ['create +s /c/s-', /name = \/c\/s-0000000000/],
  ['create +es /c/e-', /name = \/c\/e-0000000001/],
  ['create +t=5000 /ttl', /\(mode: 5\)/, /rc = 0/],
  ['create2 /c/two', /rc = 0/, /version=0\taversion=0/, /ephemeralOwner = 0/],
  ['create /c', /\[\/c\]: rc = -110/],
  ['create /no/parent', /rc = -101/],
  ['set /c one', /\/c: rc = 0 Stat/, /version=1\taversion=0/],
  ['get /c', /\/c: rc = 0/, /value_len = 3\none\n/, /version=1/],
  ['aget /c', /value_len = 3\none\n/],
  ['ls2 /c', /\/c: rc = 0/, /time = .*/],
  ['wexists /c/x', /Error -101/],
  ['create /c/x', /CREATED_EVENT state = CONNECTED_STATE for path \/c\/x/],
  ['exists /nothing', /Error -101/],
  ['sync /c', /\[\/c\]: rc = 0/],
  ['delete /c/x', /\/c\/x: rc = 0/],
  ['delete /c', /\/c: rc = -111/],
  ['get /nothing', /\/nothing: rc = -101/],
  ['addauth digest user:password'],
  ['set /c two', /\/c: rc = 0/, /version=2/],
  ['reconfig -remove 3', /rc = -102|Error -102/],
  ['addauth digest super:secret'],
  ['config', /server\.1=127\.0\.0\.1:[\s\S]*server\.3=[\s\S]*version=/],
  ['reconfig -add server.9=127.0.0.1:1:2:observer;127.0.0.1:3', /server\.9=[^\n]*observer/],
  ['reconfig -version 1 -remove 9', /-103/],
  ['reconfig -remove 9', /version=/],
]

t.test('the C client', { skip: withoutCliMt ?? false }, async (t) => {
  const world = await startForClients(t, '--reconfig-enabled')
  const shell = new Conversation(t, cliMt, ['-h', connectString(world)])
  await shell.hears(/Got a new session id: 0x/)
  for (const [line, ...answers] of exchanges) {
    shell.say(line)
    for (const answer of answers) t.ok(await shell.hears(answer), line)
  }
  shell.say('addauth nonsense x')
  t.ok(await shell.hears(/Authentication scheme \w+ failed/))
  t.ok(await shell.hears(/AUTH_FAILED_STATE/))
})

t.test('the C client continues at another server', { skip: withoutCliMt ?? false }, async (t) => {
  const world = await startForClients(t)
  const { cluster } = world
  const shell = new Conversation(t, cliMt, ['-h', connectString(world)])
  const [, session] = await shell.hears(/Got a new session id: (0x\w+)/)
  shell.say('create +e /e')
  await shell.hears(/name = \/e/)
  const answers = await Promise.all(
    cluster.servers.map(({ address }) => askWord(realWorld(), address, 'cons')),
  )
  const server = cluster.servers[answers.findIndex((said) => said?.includes(`sid=${session},`))]
  if (server === undefined) throw new Error(`No server has the session: ${answers.join('\n')}`)
  await cluster.kill(server)
  await shell.hears(/state = CONNECTED_STATE/)
  shell.say('get /e')
  await shell.hears(/\/e: rc = 0/)
  t.notMatch(shell.said, /EXPIRED/)
  shell.say('quit')
  t.equal(await shell.closed(), 0)
})
