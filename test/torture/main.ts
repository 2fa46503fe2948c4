// npm run torture [-- --seconds 60] [--seed N]: real servers are killed, stopped and resumed under
// load; afterwards the history is checked against every promise.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import yargs from 'yargs'
import type { Recorder } from '../history/history.ts'
import { torture } from './torture.ts'

const options = await yargs(process.argv.slice(2))
  .scriptName('npm run torture --')
  .options({
    seconds: { type: 'number', default: 60, describe: 'of work under faults' },
    seed: { type: 'number', describe: 'what is done, as far as it is ours to decide' },
    servers: { type: 'number', default: 3, describe: 'size of the ensemble' },
    clients: { type: 'number', default: 6, describe: 'sessions at work at any time' },
    'session-timeout': { type: 'number', default: 3000, describe: 'ms; how soon clients leave' },
    keep: {
      type: 'boolean',
      default: false,
      describe: 'keep the data of a run that was clean, too',
    },
  })
  .strictOptions()
  .parse()

const seed = options.seed ?? Date.now() % 2 ** 32
const { seconds, servers, clients, sessionTimeout: sessionTimeoutMs, keep } = options
const dataDir = mkdtempSync(join(tmpdir(), 'zooweeper-torture-'))
const startedMs = performance.now()
print(`seed ${seed}: ${servers} servers, ${clients} clients, ${seconds} s`)

const { history, violations, deaths, nemesis } = await torture({
  ...{ seed, seconds, servers, clients, sessionTimeoutMs, dataDir },
  say: (line) =>
    print(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${line}`),
})

print('')
for (const line of summary(history)) print(line)
print(`faults      ${[...nemesis.done].map(([fault, count]) => `${fault} ${count}`).join(', ')}`)
for (const death of deaths) print(`BROKEN  ${death}`)
for (const { rule, operation, found } of violations.slice(0, 40)) {
  print(`BROKEN  ${rule}: ${operation === undefined ? '' : `operation ${operation}: `}${found}`)
}
if (violations.length > 40) print(`BROKEN  and ${violations.length - 40} more`)
const clean = violations.length === 0 && deaths.length === 0
if (!clean) {
  const file = join(dataDir, 'history.json')
  writeFileSync(file, JSON.stringify(history, toJson, 1))
  print(`The history is in ${file}, the servers' data beside it`)
}
print(clean ? 'clean' : `NOT CLEAN; seed ${seed}`)
if (clean && !keep) rmSync(dataDir, { recursive: true, force: true })
process.exitCode = clean ? 0 : 1

function summary({ operations, notices, suspensions, sessionsOver }: Recorder): string[] {
  const counts = { ok: 0, refused: 0, unknown: 0 }
  const epochs = new Set<number>()
  for (const { outcome } of operations) {
    counts[outcome.type]++
    if (outcome.type !== 'ok') continue
    for (const { stat } of outcome.sights) epochs.add(Math.floor(stat.mzxid / 2 ** 32))
  }
  const synced = operations.filter(({ call, outcome }) => {
    return outcome.type === 'ok' && 'synced' in call && call.synced
  })
  return [
    `operations  ${operations.length}: ${counts.ok} ok, ${counts.refused} refused, ${counts.unknown} unknown; ${synced.length} synced reads`,
    `watches     ${notices.length} events`,
    `sessions    ${sessionsOver.size}; connections lost ${suspensions.length} times`,
    `epochs      ${epochs.size} in which something was written`,
  ]
}

function toJson(_key: string, value: unknown): unknown {
  return value instanceof Map ? [...value] : value
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
