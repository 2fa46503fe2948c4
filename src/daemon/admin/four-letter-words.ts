// The four-letter words: plain-text queries to a client port, for monitoring and operators. Answers
// have ZooKeeper's exact format, because tools parse them. The operator chooses the enabled words.
//
// Source: ZooKeeper's FourLetterCommands and the classes of its package `command`.

import { isFourLetterWord, type Word } from '../four-letter-word.ts'
import { connectionsDump, connectionsReport } from './connections-report.ts'
import { mntr } from './monitor.ts'
import { serverReport } from './server-report.ts'
import type { ServerView } from './server-view.ts'
import { sessionsDump } from './sessions-report.ts'
import { watchesByPath, watchesBySession, watchSummary } from './watches-report.ts'

const answers = {
  conf: configuration,
  cons: (view) => connectionsReport(view.connections()),
  crst(view) {
    view.resetConnectionStats()
    return 'Connection stats reset.\n'
  },
  dirs(view) {
    const { dataBytes, logBytes } = view.directorySizes()
    return `datadir_size: ${dataBytes}\nlogdir_size: ${logBytes}\n`
  },
  dump: (view) => sessionsDump(view.sessions()) + connectionsDump(view),
  envi: (view) => `Environment:\n${keyLines(view.environment())}`,
  // There is no tracing, so no mask is set.
  gtmk: () => '0',
  hash: (view) =>
    view
      .digests()
      .map(([zxid, digest]) => `${zxid.toString(16)}: ${digest}\n`)
      .join(''),
  isro(view) {
    const { mode } = view.status()
    if (mode === undefined) return 'null'
    return mode === 'read-only' ? 'ro' : 'rw'
  },
  mntr: (view) => mntr(view.status()),
  ruok: () => 'imok',
  srst(view) {
    view.resetStats()
    return 'Server stats reset.\n'
  },
  srvr: (view) => serverReport(view.status()),
  stat: (view) => serverReport(view.status(), view.connections()),
  wchc: (view) => watchesBySession(view.watches()),
  wchp: (view) => watchesByPath(view.watches()),
  wchs: (view) => watchSummary(view.watches()),
} as const satisfies Record<Word, (view: ServerView) => string>

/** Answered even by a server that serves no client. */
const always: ReadonlySet<string> = new Set<Word>(['envi', 'gtmk', 'isro', 'ruok'])

const notServing = 'This ZooKeeper instance is not currently serving requests\n'

/**
 * @param allowed the whitelist
 * @returns undefined if `word` is not a four-letter word
 */
export function answerWord(
  word: string,
  allowed: ReadonlySet<string>,
  view: ServerView,
): string | undefined {
  if (!isFourLetterWord(word)) return undefined
  if (!allowed.has(word)) return `${word} is not executed because it is not in the whitelist.\n`
  if (!always.has(word) && view.status().mode === undefined) return notServing
  return answers[word](view)
}

function configuration(view: ServerView): string {
  const membership = view.membership()
  const lines = keyLines(view.configuration())
  return membership === undefined ? lines : `${lines}membership: \n${membership}`
}

function keyLines(rows: readonly (readonly [string, string | number])[]): string {
  return rows.map(([key, value]) => `${key}=${value}\n`).join('')
}
