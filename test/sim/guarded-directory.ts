// A directory in the hands of a simulated process, which may be killed before each operation on it, and
// before it hears of an operation's end. The operations go by what they are for (crash-points.ts).

import type { Meta } from '../../src/daemon/ensemble/meta.ts'
import type { Done, LogDirectory, SegmentFile } from '../../src/log/segment-file.ts'
import type { SimProcess } from './process.ts'

/** What an operation on a file, or on the directory if `file` is '', is for. */
export interface ActNames {
  before(operation: Operation, file: string, bytes?: Uint8Array): string
  /** undefined: its end is of no interest */
  after(operation: Operation, file: string): string | undefined
}

type Operation = 'create' | 'rename' | 'remove' | 'write' | 'zeros' | 'sync' | 'directory sync'

export class GuardedDirectory implements LogDirectory {
  readonly path: string
  readonly #inner: LogDirectory
  readonly #process: SimProcess
  readonly #names: ActNames
  readonly #hasRoom: (act: string) => Error | null
  readonly #files = new Map<string, GuardedFile>()

  /** @param hasRoom answers an error where the disk has none for what is to be written */
  constructor(
    inner: LogDirectory,
    process: SimProcess,
    { names, hasRoom }: { names: ActNames; hasRoom: (act: string) => Error | null },
  ) {
    this.path = inner.path
    this.#inner = inner
    this.#process = process
    this.#names = names
    this.#hasRoom = hasRoom
  }

  list(): string[] {
    return this.#inner.list()
  }

  create(name: string): SegmentFile {
    this.act('create', name)
    this.#inner.create(name).close()
    return this.open(name)
  }

  open(name: string): SegmentFile {
    const file = new GuardedFile(name, this.#inner.open(name), this)
    this.#files.set(name, file)
    return file
  }

  rename(from: string, to: string): void {
    this.act('rename', to)
    this.#inner.rename(from, to)
    const file = this.#files.get(from)
    if (file === undefined) return
    this.#files.delete(from)
    this.#files.set(to, file)
    file.name = to
  }

  remove(name: string): void {
    this.act('remove', name)
    this.#inner.remove(name)
  }

  sync(done: Done): void {
    this.act('directory sync', '')
    this.#inner.sync(this.reported('directory sync', '', done))
  }

  syncNow(): void {
    this.act('directory sync', '')
    this.#inner.syncNow()
  }

  close(): void {
    this.#inner.close()
  }

  /** @throws Killed, and what is wrong with the disk */
  act(operation: Operation, file: string, bytes?: Uint8Array): void {
    const name = this.#names.before(operation, file, bytes)
    this.#process.act(name)
    if (operation !== 'create' && operation !== 'write') return
    const error = this.#hasRoom(name)
    if (error !== null) throw error
  }

  /** The same for a write in the background, whose error is reported. @returns whether there is one */
  failsLater(file: string, done: Done): boolean {
    const name = this.#names.before('zeros', file)
    this.#process.act(name)
    const error = this.#hasRoom(name)
    if (error !== null) this.#process.after(0, () => done(error))
    return error !== null
  }

  reported(operation: Operation, file: string, done: Done): Done {
    return (error) =>
      this.#process.enter(() => {
        if (error === null) this.ended(operation, file)
        done(error)
      })
  }

  ended(operation: Operation, file: string): void {
    const name = this.#names.after(operation, file)
    if (name !== undefined) this.#process.act(name)
  }
}

class GuardedFile implements SegmentFile {
  name: string
  readonly #inner: SegmentFile
  readonly #directory: GuardedDirectory

  constructor(name: string, inner: SegmentFile, directory: GuardedDirectory) {
    this.name = name
    this.#inner = inner
    this.#directory = directory
  }

  sizeBytes(): number {
    return this.#inner.sizeBytes()
  }

  read(into: Uint8Array, at: number): number {
    return this.#inner.read(into, at)
  }

  write(bytes: Uint8Array, at: number): void {
    this.#directory.act('write', this.name, bytes)
    this.#inner.write(bytes, at)
  }

  writeInBackground(bytes: Uint8Array, at: number, done: Done): void {
    if (this.#directory.failsLater(this.name, done)) return
    this.#inner.writeInBackground(bytes, at, this.#directory.reported('zeros', this.name, done))
  }

  sync(done: Done): void {
    this.#directory.act('sync', this.name)
    this.#inner.sync(this.#directory.reported('sync', this.name, done))
  }

  syncNow(): void {
    this.#directory.act('sync', this.name)
    this.#inner.syncNow()
    this.#directory.ended('sync', this.name)
  }

  close(): void {
    this.#inner.close()
  }
}

/** Of the directory that holds `meta`: each save goes by what it changes. */
export class MetaActs implements ActNames {
  #what = 'meta'
  #before: MetaFields
  readonly #saved: (meta: MetaFields) => void

  /**
   * @param meta as it is; undefined if there is none
   * @param saved told when another one survives a power cut
   */
  constructor(meta: Uint8Array | undefined, saved: (meta: MetaFields) => void) {
    this.#before = fieldsOf(meta)
    this.#saved = saved
  }

  before(operation: Operation, _file: string, bytes?: Uint8Array): string {
    if (operation === 'write' && bytes !== undefined) {
      const after = fieldsOf(bytes)
      this.#what = this.#changed(after)
      this.#before = after
    }
    return `${this.#what} ${operation}`
  }

  after(operation: Operation): string | undefined {
    if (operation !== 'directory sync') return undefined
    this.#saved(this.#before)
    return `${this.#what} saved`
  }

  #changed(after: MetaFields): string {
    const differs = (field: keyof MetaFields): boolean => this.#before[field] !== after[field]
    if (differs('serverId')) return 'meta'
    if (differs('treeDir')) return 'SNAP swap'
    if (differs('currentEpoch')) return 'currentEpoch'
    if (differs('acceptedEpoch')) return 'acceptedEpoch'
    return differs('logBaseZxid') ? 'purge' : 'meta'
  }
}

/** Of meta: what is looked at here. */
export type MetaFields = Partial<Meta>

/** A damaged one has none. */
export function fieldsOf(meta: Uint8Array | undefined): MetaFields {
  if (meta === undefined) return {}
  try {
    return JSON.parse(Buffer.from(meta).toString('utf8').slice(9)) as MetaFields
  } catch {
    return {}
  }
}

/** Of a directory of segments. */
export class LogActs implements ActNames {
  #doing: 'recovery' | 'roll' | 'purge' | 'TRUNC' | 'log' = 'recovery'

  /** Opening a log is one synchronous call: what comes later is no recovery. */
  recovered(): void {
    this.#doing = 'log'
  }

  before(operation: Operation, file: string): string {
    const recovers = this.#doing === 'recovery'
    const marks = file.startsWith('truncate')
    switch (operation) {
      case 'create':
        if (recovers && marks) return 'recovery mark'
        if (!marks) return 'prepare'
        this.#doing = 'TRUNC'
        return 'TRUNC mark'
      case 'zeros':
        return file === 'prepared' ? 'prepare zeros' : 'TRUNC zeros'
      case 'write':
        return recovers ? 'recovery write' : 'log write'
      case 'sync':
        if (file === 'prepared') return 'prepare sync'
        return this.#doing === 'TRUNC' || recovers ? `${this.#doing} sync` : 'log sync'
      case 'rename':
        this.#doing = 'roll'
        return 'roll rename'
      case 'remove':
        if (recovers) return 'recovery remove'
        if (file === 'prepared') return 'prepare remove'
        if (this.#doing === 'TRUNC') return marks ? 'TRUNC unmark' : 'TRUNC remove'
        this.#doing = 'purge'
        return 'purge remove'
      case 'directory sync':
        return `${this.#doing} directory sync`
    }
  }

  after(operation: Operation, file: string): string | undefined {
    if (operation === 'sync' && file.endsWith('.segment')) return 'log synced'
    if (operation !== 'directory sync') return undefined
    if (this.#doing === 'roll') return 'rolled'
    return this.#doing === 'purge' ? 'purged' : undefined
  }
}
