import { join } from 'node:path'
import t, { type Test } from 'tap'
import { copyTree } from '../../../src/cli/commands/tree-copy.ts'
import { ZkClient } from '../../../src/client/zk/zk-client.ts'
import { realServer } from '../../daemon/real-server.ts'

/** Starts a standalone server. */
async function startServer(t: Test, name: string) {
  const server = realServer([
    `--data-dir=${join(t.testdirName, name)}`,
    ...['--client-port=0', '--client-port-address=127.0.0.1', '--log-segment-bytes=4194304'],
  ])
  await server.start()
  t.teardown(() => server.stop())
  return { servers: [{ host: '127.0.0.1', port: server.clientPort }], dialect: 'jute' } as const
}

/** A target that runs `happen` on its first use, when the source has already been listed. */
class Target extends ZkClient {
  meanwhile: Promise<void> | undefined
  happen: () => Promise<void> = async () => undefined

  override async exists(...args: Parameters<ZkClient['exists']>) {
    this.meanwhile ??= this.happen()
    await this.meanwhile
    return super.exists(...args)
  }
}

t.test('changes of the source during the copy are reported, whatever their kind', async (t) => {
  t.testdir()
  const source = new ZkClient(await startServer(t, 'source'))
  const target = new Target(await startServer(t, 'target'))
  await Promise.all([source.connect(), target.connect()])
  for (const path of ['/set', '/acl', '/deleted', '/still']) await source.create(path)
  target.happen = async () => {
    await source.setData('/set', 'new')
    await source.setACL('/acl', [{ perms: 1, scheme: 'world', id: 'anyone' }])
    await source.delete('/deleted')
    await source.create('/created')
  }
  const report = await copyTree(source, target)
  t.same(report.changed, ['/acl', '/created', '/deleted', '/set'])
  t.same(report.behind, [])
  t.same((await target.getChildren('/')).children, ['acl', 'set', 'still', 'zookeeper'])
  await Promise.all([source.close(), target.close()])
})

t.test('a target that is not empty is refused before anything is written', async (t) => {
  t.testdir()
  const source = new ZkClient(await startServer(t, 'source'))
  const target = new ZkClient(await startServer(t, 'target'))
  await Promise.all([source.connect(), target.connect()])
  await source.create('/a')
  await target.create('/b')
  await t.rejects(copyTree(source, target), { name: 'CopyError', message: /it has \/b/ })
  t.notOk(await target.exists('/a'))
  await Promise.all([source.close(), target.close()])
})
