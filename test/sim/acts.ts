// The purpose of each operation on files, in the words of crash points (servers/crash-points.ts): a
// write of `meta` is named by what it changes, one in a directory of segments by what the log is
// doing.

import type { Meta } from '../../src/daemon/ensemble/meta.ts'

/** The purpose of an operation on a file, or on the directory if `file` is ''. */
export interface ActNames {
  before(operation: FileOperation, file: string, bytes?: Uint8Array): string
  /** undefined: its end does not matter */
  after(operation: FileOperation, file: string): string | undefined
}

export type FileOperation =
  | 'create'
  | 'rename'
  | 'remove'
  | 'write'
  | 'zeros'
  | 'sync'
  | 'directory sync'

/** For the directory that holds `meta`: each save is named by what it changes. */
export class MetaActs implements ActNames {
  #what = 'meta'
  #before: MetaFields
  readonly #saved: (meta: MetaFields) => void

  /**
   * @param meta the current one; undefined if there is none
   * @param saved called when another one survives a power cut
   */
  constructor(meta: Uint8Array | undefined, saved: (meta: MetaFields) => void) {
    this.#before = fieldsOf(meta)
    this.#saved = saved
  }

  before(operation: FileOperation, _file: string, bytes?: Uint8Array): string {
    if (operation === 'write' && bytes !== undefined) {
      const after = fieldsOf(bytes)
      this.#what = this.#changed(after)
      this.#before = after
    }
    return `${this.#what} ${operation}`
  }

  after(operation: FileOperation): string | undefined {
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

/** The fields of meta that are used here. */
export type MetaFields = Partial<Meta>

/** Damaged meta has none. */
export function fieldsOf(meta: Uint8Array | undefined): MetaFields {
  if (meta === undefined) return {}
  try {
    return JSON.parse(Buffer.from(meta).toString('utf8').slice(9)) as MetaFields
  } catch {
    return {}
  }
}

/** For a directory of segments. */
export class LogActs implements ActNames {
  #doing: 'recovery' | 'roll' | 'purge' | 'TRUNC' | 'log' = 'recovery'

  /** Opening a log is one synchronous call: later operations are not recovery. */
  recovered(): void {
    this.#doing = 'log'
  }

  before(operation: FileOperation, file: string): string {
    const recovers = this.#doing === 'recovery'
    const marks = file.startsWith('truncate')
    switch (operation) {
      case 'create':
        if (recovers && marks) return 'recovery mark'
        if (!marks) return 'prepare'
        this.#doing = 'TRUNC'
        return 'TRUNC mark'
      case 'zeros':
        if (file === 'prepared') return 'prepare zeros'
        return this.#doing === 'TRUNC' ? 'TRUNC zeros' : 'log zeros'
      case 'write':
        if (recovers) return 'recovery write'
        // Nothing is appended while the log is truncated.
        if (this.#doing === 'TRUNC') this.#doing = 'log'
        return 'log write'
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

  after(operation: FileOperation, file: string): string | undefined {
    if (operation === 'sync' && file.endsWith('.segment')) return 'log synced'
    if (operation !== 'directory sync') return undefined
    if (this.#doing === 'roll') return 'rolled'
    return this.#doing === 'purge' ? 'purged' : undefined
  }
}
