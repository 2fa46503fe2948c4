// The files of a server whose ensemble changes, as ZooKeeper writes them. Its members are in a file of
// their own, whose name has the version of the configuration; the file that the server was started
// with, the static one, names it. Pure; dynamic-config.ts writes them.
//
//   zoo.cfg                      dynamicConfigFile=/etc/zoo.cfg.dynamic.100000000, and all other keys
//   zoo.cfg.bak                  the static file before its members moved
//   zoo.cfg.dynamic.100000000    server.1=… server.2=…
//
// Source: QuorumPeerConfig.writeDynamicConfig and editStaticConfig in ZooKeeper.

import type { ListenAddress } from '../../address.ts'
import { parseProperties } from '../../properties.ts'
import { isWildcard } from '../../protocol/zk/quorum-server.ts'
import type { Zxid } from '../../protocol/zxid.ts'

export function dynamicFileOf(staticFile: string, version: Zxid): string {
  return `${staticFile}.dynamic.${version.toString(16)}`
}

export function backupFileOf(staticFile: string): string {
  return `${staticFile}.bak`
}

/** @param text of a configuration */
export function dynamicFileText(text: string): string {
  return `${text.split('\n').sort().join('\n')}\n`
}

/**
 * The same static file with its members elsewhere. Its other lines stay, comments too.
 *
 * @param options `nameOf`: the option that a key spells; `client`: where clients connect, by the line
 *   of this server, so that the keys that say the same go, too. A line without a host says nothing
 *   about the address.
 */
export function staticFileText(
  before: string,
  options: {
    readonly dynamicFile: string
    readonly nameOf: (key: string) => string | undefined
    readonly client: ListenAddress | undefined
  },
): string {
  const { dynamicFile, nameOf, client } = options
  const lines = before.split(/\r\n|\r|\n/)
  for (const { key, line, lastLine } of parseProperties(before).toReversed()) {
    const name = nameOf(key) ?? key
    if (isOfMembers(name) || isSaidBy(client, name)) lines.splice(line - 1, lastLine - line + 1)
  }
  while (lines.at(-1)?.trim() === '') lines.pop()
  return [...lines, `dynamicConfigFile=${dynamicFile.replaceAll('\\', '\\\\')}`, ''].join('\n')
}

function isOfMembers(name: string): boolean {
  return (
    /^(?:server|group|weight)\.\d+$/.test(name) || /^(?:dynamicConfigFile|peerType)$/.test(name)
  )
}

function isSaidBy(client: ListenAddress | undefined, name: string): boolean {
  if (name === 'clientPort') return client !== undefined
  return name === 'clientPortAddress' && client !== undefined && !isWildcard(client.host)
}
