import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import t from 'tap'
import { fourLetterWord } from '../../bench/processes.ts'

t.test('a server that takes a word and never answers is given up', async (t) => {
  const sockets: Socket[] = []
  const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  const answer = fourLetterWord({ host: '127.0.0.1', port }, 'srvr', 20)
  await t.rejects(answer, { message: /did not answer srvr within 20 ms/ })
})
