// The entries of a piece of a tree, as strings.

import { type Entry, EntryReader } from '../../../src/daemon/storage/tree-entries.ts'

export function entriesOf(piece: Uint8Array): Entry[] {
  const entry = new EntryReader(piece)
  const entries: Entry[] = []
  while (entry.next()) entries.push([entry.key, entry.value])
  return entries
}
