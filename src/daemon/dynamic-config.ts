// Keeps the files of a server up to date with the configuration of its ensemble, as ZooKeeper does
// (membership/dynamic-file.ts). They are a copy, for operators and their tools: the log decides, and
// the files only tell a server without data where the others are. So a file that cannot be written
// is a warning.
//
// Off a write's path: server.ts calls it when a configuration is committed.

import type { ListenAddress } from '../address.ts'
import type { Logger } from '../logger.ts'
import { Names } from '../option-names.ts'
import type { ServerId } from '../protocol/records.ts'
import { daemonProgram } from './config-rows.ts'
import {
  backupFileOf,
  dynamicFileOf,
  dynamicFileText,
  staticFileText,
} from './membership/dynamic-file.ts'
import { noMembers, parseMembers } from './membership/membership.ts'
import type { Configuration } from './zab/configuration.ts'

export interface ConfigFiles {
  /** Both absolute. */
  readonly staticFile: string
  /** the one that it names */
  readonly dynamicFile: string | undefined
}

export interface FileStore {
  read(path: string): Promise<string>
  /** Durable, and with the permissions of `like` if it is new. */
  replace(path: string, text: string, options: { readonly like: string }): Promise<void>
}

export class DynamicConfig {
  readonly #self: ServerId
  readonly #staticFile: string
  readonly #store: FileStore
  readonly #logger: Logger
  readonly #names = new Names(daemonProgram)
  #dynamicFile: string | undefined
  /** what the dynamic file, or before the first one the static file, says */
  #text: string
  #wasListed = false
  #written: Promise<void> = Promise.resolve()

  /** @param options `text`: the members in the files */
  constructor(options: {
    readonly self: ServerId
    readonly files: ConfigFiles
    readonly text: string
    readonly store: FileStore
    readonly logger: Logger
  }) {
    this.#self = options.self
    this.#staticFile = options.files.staticFile
    this.#dynamicFile = options.files.dynamicFile
    this.#text = options.text
    this.#store = options.store
    this.#logger = options.logger
  }

  /** A configuration is committed, or was when this process started. */
  committed({ version, text }: Pick<Configuration, 'version' | 'text'>): void {
    const self = (parseMembers(text) ?? noMembers).servers.find(({ id }) => id === this.#self)
    const wasListed = this.#wasListed
    this.#wasListed = self !== undefined
    // A server that has yet to be added still needs its own line.
    if (self === undefined && !wasListed) return
    const dynamicFile = dynamicFileOf(this.#staticFile, version)
    if (dynamicFile === this.#dynamicFile && text === this.#text) return
    const isFirst = this.#dynamicFile === undefined
    this.#dynamicFile = dynamicFile
    this.#text = text
    this.#written = this.#written.then(() =>
      this.#write({ dynamicFile, text, isFirst, client: self?.client }),
    )
  }

  /** Resolves when nothing is being written. */
  settled(): Promise<void> {
    return this.#written
  }

  async #write(next: {
    readonly dynamicFile: string
    readonly text: string
    readonly isFirst: boolean
    readonly client: ListenAddress | undefined
  }): Promise<void> {
    const { dynamicFile, text, isFirst, client } = next
    const [store, staticFile] = [this.#store, this.#staticFile]
    const like = { like: staticFile }
    try {
      const before = await store.read(staticFile)
      const nameOf = (key: string): string | undefined => this.#names.resolve(key)
      const after = staticFileText(before, { dynamicFile, nameOf, client })
      // A crash leaves a static file that names a dynamic one, or has the members itself.
      await store.replace(dynamicFile, dynamicFileText(text), like)
      if (isFirst) await store.replace(backupFileOf(staticFile), before, like)
      if (after !== before) await store.replace(staticFile, after, like)
      this.#logger.info({ file: dynamicFile }, 'Wrote the members of the ensemble to a file')
    } catch (err) {
      const file = dynamicFile
      this.#logger.warn(
        { err, file },
        'Could not write the members of the ensemble to a file; they are in the log',
      )
    }
  }
}
