// Random appends, flushes, truncations, drops, completions and crashes against an array.
//
// After a crash the log must open; hold everything that was reported durable, and beyond that only
// a prefix of what was appended; and never return what was cut.

import t from 'tap'
import { type Log, openLog } from '../../src/log/log.ts'
import { IndexMemory } from '../../src/log/segment-index.ts'
import { Random } from '../../src/random.ts'
import { MemoryDirectory } from './memory-directory.ts'
import { sampleFormat, sampleRecord } from './sample-format.ts'

interface Entry {
  readonly first: number
  readonly last: number
  readonly payload: string
}

const runs = 300
const stepsPerRun = 120

class World {
  readonly random: Random
  readonly waiting: (() => void)[] = []
  readonly sync: 'group' | 'os'
  /** in most runs so little that indexes are read again and again */
  readonly indexes: IndexMemory | undefined
  directory = new MemoryDirectory({ schedule: (run) => this.waiting.push(run) })
  log: Log
  /** The expected contents of the log. */
  model: Entry[] = []
  /** Before it, whole segments may be missing. */
  dropped = 0
  durable = -1
  /** The position after which a truncation in progress cuts, or undefined. */
  cutting: { readonly from: Entry[] } | undefined
  made = 0

  constructor(random: Random) {
    this.random = random
    this.sync = random.chance(0.8) ? 'group' : 'os'
    this.indexes = random.chance(0.7) ? new IndexMemory(random.pick([0, 0, 1e6])) : undefined
    this.log = this.open()
  }

  open(): Log {
    const { log } = openLog({
      directory: this.directory,
      format: sampleFormat,
      segmentBytes: 200 + this.random.below(this.random.chance(0.3) ? 60_000 : 2000),
      memory: { indexes: this.indexes },
      // Under `os`, what is durable may be lost.
      knownDurable: this.sync === 'group' && this.durable >= 0 ? this.durable : undefined,
      preallocate: this.random.pick([true, true, 'in steps', false]),
      sync: this.sync,
      nowMs: () => 0,
      onDurable: (position) => {
        if (position <= this.durable) throw new Error('durable positions rise')
        this.durable = position
      },
      onFailure: (error) => {
        throw error
      },
    })
    return log
  }

  step(): void {
    const { random } = this
    const dice = random.next()
    if (dice < 0.45) this.append()
    else if (dice < 0.6) this.log.flush()
    else if (dice < 0.9) this.complete()
    else if (dice < 0.94) this.truncate()
    else if (dice < 0.96) this.drop()
    else if (dice < 0.97) this.read()
    else if (dice < 0.98) this.log.checkSome(1 + random.below(10_000))
    else this.crash()
  }

  append(): void {
    if (this.cutting !== undefined) return
    const { random } = this
    const batch: Buffer[] = []
    for (let i = random.below(4); i >= 0; i--) {
      const first = (this.model.at(-1)?.last ?? 0) + 1 + random.below(3)
      const last = first + (random.chance(0.3) ? random.below(5) : 0)
      this.made += 1
      const payload = `${this.made}:`.padEnd(random.below(random.chance(0.2) ? 3000 : 100), 'x')
      this.model.push({ first, last, payload })
      const durable = this.sync === 'os' ? undefined : this.log.durablePosition
      batch.push(sampleRecord({ first, last, durable, payload: Buffer.from(payload) }))
    }
    this.log.append(Buffer.concat(batch))
  }

  complete(): void {
    // Mostly in order, as a disk that has one request at a time; at times another one first.
    const i = this.random.chance(0.9) ? 0 : this.random.below(this.waiting.length)
    this.waiting.splice(i, 1)[0]?.()
  }

  truncate(): void {
    if (this.cutting !== undefined) return
    const { random } = this
    const oldest = this.log.firstPosition ?? 0
    const top = this.log.lastPosition ?? 0
    const to = random.chance(0.05) ? -1 : oldest + random.below(Math.max(1, top - oldest + 2))
    this.cutting = { from: this.model }
    this.model = this.model.filter(({ last }) => last <= to)
    this.log.truncateAfter(to, () => {
      this.cutting = undefined
      this.durable = this.model.at(-1)?.last ?? -1
    })
    if (this.log.isEmpty) this.model = [] // what is left of it was dropped in front
    this.durable = Math.min(this.durable, this.model.at(-1)?.last ?? -1)
  }

  drop(): void {
    const before = this.random.below((this.log.lastPosition ?? 0) + 1)
    this.log.dropBefore(before)
    this.dropped = Math.max(this.dropped, before)
  }

  read(): void {
    const from = this.random.below((this.log.lastPosition ?? 0) + 3)
    const bytesMax = 1 + this.random.below(3000)
    const upTo = from + this.random.below(60)
    const bytes = this.log.read({ from, upTo, bytesMax, verify: true })
    const found = decode(bytes)
    const start = Math.max(from, this.log.firstPosition ?? 0)
    const inRange = this.model.filter(({ last }) => last >= start && last <= upTo)
    expectSame(found, inRange.slice(0, found.length), 'read')
    if (found.length === 0 && inRange.length > 0) throw new Error('read nothing of something')
    if (found.length > 1 && bytes.length > bytesMax) throw new Error('read more than asked')
  }

  crash(): void {
    const { random, cutting } = this
    const chance = random.chance(0.2) ? undefined : random
    const options = { schedule: (run: () => void) => this.waiting.push(run) }
    this.directory = this.directory.crash(chance, options)
    this.waiting.length = 0
    // `os` promises nothing about power cuts: there only the shape is checked.
    const durable = this.sync === 'os' ? -1 : this.durable
    this.log = this.open()
    const last = this.log.lastPosition ?? -1
    if (last < durable) throw new Error(`lost ${durable}: the log ends at ${last}`)
    // A cut that was not done may not have begun.
    const whole = cutting?.from ?? this.model
    const survived = whole.filter((entry) => entry.last <= last)
    this.cutting = undefined
    this.model = survived
    this.durable = last
    this.check()
  }

  /** The log holds the model, except for what was dropped in front. */
  check(): void {
    const shown: Entry[] = []
    this.log.scan(0, (bytes, at, length) => {
      shown.push(...decode(bytes.subarray(at, at + length)))
      return true
    })
    const missing = this.model.length - shown.length
    expectSame(shown, this.model.slice(missing), 'scan')
    const lost = this.model.slice(0, missing).find((entry) => entry.first >= this.dropped)
    if (lost !== undefined) throw new Error(`lost ${JSON.stringify(lost)} in front`)
    const last = this.model.at(-1)?.last
    if (last !== this.log.lastPosition) throw new Error('lastPosition is the last record')
  }
}

function decode(bytes: Buffer): Entry[] {
  const entries: Entry[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = sampleFormat.wholeLength(bytes, at)
    if (!sampleFormat.isIntact(bytes, at, length)) throw new Error(`not intact at ${at}`)
    const text = bytes.toString('utf8', at + 20, at + length)
    entries.push({
      first: sampleFormat.firstPosition(bytes, at),
      last: sampleFormat.lastPosition(bytes, at),
      payload: text.replace(/\0+$/, ''),
    })
    at += length
  }
  return entries
}

function expectSame(found: Entry[], wanted: Entry[], what: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)]
  if (a !== b) throw new Error(`${what}: found ${a.slice(0, 500)}, wanted ${b.slice(0, 500)}`)
}

t.test('a log under crashes is what was appended and not cut', async (t) => {
  const base = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
  t.comment(`seed ${base}, ${runs} runs; SEED=${base} replays them`)
  for (let seed = base; seed < base + runs; seed++) {
    const world = new World(new Random(seed))
    let step = 0
    try {
      for (; step < stepsPerRun; step++) {
        world.step()
        world.check()
      }
      world.crash()
    } catch (error) {
      t.fail(`seed ${seed}, step ${step}: ${(error as Error).stack}`)
      return
    }
  }
  t.pass(`${runs} runs`)
})
