import { createServer } from 'node:net'
import t from 'tap'
import { statusJson, statusLine } from '../../../src/cli/commands/status.ts'
import { askHealth, parseSrvr } from '../../../src/cli/four-letter-word.ts'

t.test('a line names the address, the role and the zxid', async (t) => {
  const address = { host: 'zoo1', port: 2181 }
  t.equal(
    statusLine(address, { role: 'leader', zxid: '0x100000003' }),
    'zoo1:2181  leader      0x100000003',
  )
  t.equal(statusLine(address, { role: 'lost', zxid: undefined }), 'zoo1:2181  lost')
  const leader = { server: 'zoo1:2181', role: 'leader', zxid: '0x1', remark: null, serves: true }
  t.same(statusJson(address, { role: 'leader', zxid: '0x1' }), leader)
  t.match(statusJson(address, { role: 'lost', zxid: undefined }), { zxid: null, serves: false })
  const ipv6 = { host: '::1', port: 2181 }
  t.equal(statusLine(ipv6, { role: 'lost', zxid: undefined }), '[::1]:2181  lost')
})

t.test('the line of a server comes from its own answer, and a silent server is lost', async (t) => {
  const server = createServer((socket) => {
    socket.on('data', () => socket.end('Zxid: 0x100000007\nMode: follower\n'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const address = { host: '127.0.0.1', port }
  t.equal(
    statusLine(address, await askHealth(address)),
    `127.0.0.1:${port}  follower    0x100000007`,
  )
  await new Promise((resolve) => server.close(resolve))
  t.equal(statusLine(address, await askHealth(address)), `127.0.0.1:${port}  lost`)
})

t.test('an answer from another program is not shown as a looking server', async (t) => {
  const answers = [
    { answer: '', line: 'closed the connection without an answer' },
    {
      answer: 'srvr is not executed because it is not in the whitelist.\n',
      line: 'unknown: srvr is not in its whitelist',
    },
    { answer: 'HTTP/1.1 400 Bad Request\r\n\r\n', line: 'not a ZooWeeper server' },
    {
      answer: 'This is broker 3 of Mimic Queue, not a ZooWeeper server\n',
      line: 'not a server: this is the port of Mimic Queue broker 3',
    },
    { answer: 'This ZooKeeper instance is not currently serving requests\n', line: 'looking' },
    { answer: 'Zxid: 0x5\nMode: read-only\n', line: 'looking     0x5' },
  ]
  for (const { answer, line } of answers) {
    t.equal(statusLine({ host: 'zoo1', port: 2181 }, parseSrvr(answer)), `zoo1:2181  ${line}`)
  }
})
