// The LevelDB of a tree: how it is opened, and its contents in pieces of many entries.

import { Level } from 'level'
import { encodeEntries } from './tree-entries.ts'

const entriesPerPiece = 2000
const bytesPerRead = 1024 * 1024

/** Threads that open the same directory share one database. */
export function openLevel(directory: string): Level {
  return new Level(directory, {
    // Nothing is read after loading: a block cache would waste memory.
    cacheSize: 512 * 1024,
    // With LevelDB's own 4 MiB, a create takes an eighth more CPU time, for compaction.
    writeBufferSize: 16 * 1024 * 1024,
    multithreading: true,
  })
}

/** In key order; the next entries are read while these are encoded and used. */
export async function* piecesOf(db: Level): AsyncGenerator<Buffer> {
  // LevelDB's iterator is a snapshot: later writes are not visible.
  const iterator = db.iterator({ highWaterMarkBytes: bytesPerRead })
  let next = iterator.nextv(entriesPerPiece)
  try {
    for (;;) {
      const entries = await next
      if (entries.length === 0) return
      next = iterator.nextv(entriesPerPiece)
      yield encodeEntries(entries)
    }
  } finally {
    await Promise.allSettled([next])
    await iterator.close()
  }
}
