// The configuration files of one simulated server: the static one, and what the server writes when its
// ensemble changes. They survive power cuts; a process that has ended writes no more.

import type { ConfigFiles, FileStore } from '../../../src/daemon/dynamic-config.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'
import type { SimProcess } from '../process.ts'

const staticFile = '/zoo.cfg'

export class SimConfigFiles {
  readonly #texts = new Map([[staticFile, 'dataDir=/data\n']])

  /** As a server finds them when it starts. */
  get files(): ConfigFiles {
    const [, dynamicFile] = /^dynamicConfigFile=(.*)$/m.exec(this.#textOf(staticFile)) ?? []
    return { staticFile, dynamicFile }
  }

  storeOf(process: SimProcess): FileStore {
    return {
      read: async (path) => this.#textOf(path),
      replace: async (path, text) => {
        if (process.alive) this.#texts.set(path, text)
      },
    }
  }

  /** Whether the static file names the members of this version, and they are these. */
  tells({ version, text }: { readonly version: Zxid; readonly text: string }): boolean {
    const { dynamicFile } = this.files
    if (dynamicFile !== `${staticFile}.dynamic.${version.toString(16)}`) return false
    const lines = this.#textOf(dynamicFile).split('\n').filter(Boolean)
    return lines.sort().join() === text.split('\n').sort().join()
  }

  #textOf(path: string): string {
    return this.#texts.get(path) ?? ''
  }
}
