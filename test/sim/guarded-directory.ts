// A directory of a simulated process, which may be killed before each operation on it, and before
// it learns of the operation's end. Operations are named by their purpose (acts.ts).

import type { Done, LogDirectory, SegmentFile } from '../../src/log/segment-file.ts'
import type { ActNames, FileOperation } from './acts.ts'
import type { SimProcess } from './process.ts'

export class GuardedDirectory implements LogDirectory {
  readonly path: string
  readonly #inner: LogDirectory
  readonly #process: SimProcess
  readonly #names: ActNames
  readonly #hasRoom: (act: string) => Error | null
  readonly #files = new Map<string, GuardedFile>()

  /** @param hasRoom returns an error if the disk is full for what is to be written */
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

  /** @throws Killed, or the disk's error */
  act(operation: FileOperation, file: string, bytes?: Uint8Array): void {
    const name = this.#names.before(operation, file, bytes)
    this.#process.act(name)
    if (operation !== 'create' && operation !== 'write') return
    const error = this.#hasRoom(name)
    if (error !== null) throw error
  }

  /**
   * The same for a write in the background, whose error is reported.
   *
   * @returns whether there is one
   */
  failsLater(file: string, done: Done): boolean {
    const name = this.#names.before('zeros', file)
    this.#process.act(name)
    const error = this.#hasRoom(name)
    if (error !== null) this.#process.after(0, () => done(error))
    return error !== null
  }

  reported(operation: FileOperation, file: string, done: Done): Done {
    return (error) =>
      this.#process.enter(() => {
        if (error === null) this.ended(operation, file)
        done(error)
      })
  }

  ended(operation: FileOperation, file: string): void {
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
