// What each key asks for, by what is shown. Pure: browser-model.ts does it. Keys that are not listed move
// the selection, or scroll.

import type { View } from './browser-inputs.ts'

export type Command =
  // in any view
  | 'quit'
  | 'help'
  | 'records'
  | 'partitions'
  | 'groups'
  | 'topics'
  | 'nextView'
  | 'previousView'
  | 'goals'
  | 'produce'
  | 'pauseAll'
  | 'reconnect'
  // in the view that is shown
  | 'open'
  | 'back'
  | 'pause'
  | 'search'
  | 'seek'
  | 'nextMatch'
  | 'previousMatch'
  | 'toggleHiding'
  | 'export'
  | 'moveOffsets'
  // in a record
  | 'nextForm'
  | 'newer'
  | 'older'
  | 'copy'

type Keys = ReadonlyMap<string, Command>

/** @param keys as blessed names them */
function keys(table: Readonly<Record<string, Command>>): Keys {
  return new Map(Object.entries(table))
}

const inAnyView = keys({
  q: 'quit',
  '?': 'help',
  h: 'help',
  '1': 'records',
  '2': 'partitions',
  '3': 'groups',
  '4': 'topics',
  tab: 'nextView',
  'S-tab': 'previousView',
  t: 'goals',
  p: 'produce',
  'S-p': 'pauseAll',
  r: 'reconnect',
})

const inView: Readonly<Record<View, Keys>> = {
  records: keys({
    enter: 'open',
    escape: 'back',
    space: 'pause',
    '/': 'search',
    s: 'seek',
    n: 'nextMatch',
    'S-n': 'previousMatch',
    m: 'toggleHiding',
    e: 'export',
  }),
  partitions: keys({ enter: 'open', escape: 'back', space: 'pause', s: 'seek' }),
  groups: keys({ enter: 'open', escape: 'back', o: 'moveOffsets' }),
  topics: keys({ enter: 'open', escape: 'back' }),
}

const inRecord = keys({
  q: 'quit',
  '?': 'help',
  h: 'help',
  p: 'produce',
  r: 'reconnect',
  enter: 'back',
  escape: 'back',
  backspace: 'back',
  v: 'nextForm',
  left: 'older',
  '[': 'older',
  right: 'newer',
  ']': 'newer',
  c: 'copy',
  e: 'export',
})

/** @param view undefined: one record in full */
export function commandOf(key: string, view: View | undefined): Command | undefined {
  if (view === undefined) return inRecord.get(key)
  return inAnyView.get(key) ?? inView[view].get(key)
}
