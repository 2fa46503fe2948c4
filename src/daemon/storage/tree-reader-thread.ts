// The program of a thread that reads a tree's LevelDB: see tree-reader-threads.ts. An error ends the
// thread, and is thrown to its reader.

import { workerData } from 'node:worker_threads'
import { openLevel, piecesOf } from './level.ts'
import type { Answer, Request, ThreadData } from './tree-reader-threads.ts'

const { directory, port }: ThreadData = workerData
const db = openLevel(directory)
const pieces = piecesOf(db)

/** The requests so far, one after the other. */
let done: Promise<void> = db.open()

port.on('message', (request: Request) => {
  done = done.then(request === 'next' ? sendNext : stop)
})

async function sendNext(): Promise<void> {
  const { value: piece } = await pieces.next()
  if (piece === undefined) send('end')
  else send(piece, [piece.buffer])
}

async function stop(): Promise<void> {
  await pieces.return(undefined)
  await db.close()
  port.close()
}

function send(answer: Answer, transferred: ArrayBuffer[] = []): void {
  port.postMessage(answer, transferred)
}
