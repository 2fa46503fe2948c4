// Formats the servers' answers exactly as zkCli does, for users and scripts that know it;
// explanations that ZooKeeper's code alone lacks are appended. Pure.

import { reasonOf } from '../../client/zk/errors.ts'
import { oneLine } from '../../printable.ts'
import { type ErrorCode, ZkError } from '../../protocol/error-codes.ts'
import type { Stat } from '../../protocol/records.ts'
import type { WatchEvent } from '../../protocol/zk/messages.ts'
import { zxidZero } from '../../protocol/zxid.ts'
import { UsageError } from './parse-line.ts'

export function formatStat(stat: Stat): string {
  return [
    `cZxid = ${hex(stat.czxid)}`,
    `ctime = ${formatDate(stat.ctime)}`,
    `mZxid = ${hex(stat.mzxid)}`,
    `mtime = ${formatDate(stat.mtime)}`,
    `pZxid = ${hex(stat.pzxid)}`,
    `cversion = ${stat.cversion}`,
    `dataVersion = ${stat.version}`,
    `aclVersion = ${stat.aversion}`,
    `ephemeralOwner = ${hex(stat.ephemeralOwner)}`,
    `dataLength = ${stat.dataLength}`,
    `numChildren = ${stat.numChildren}`,
  ].join('\n')
}

export function hex(number: number): string {
  return `0x${number.toString(16)}`
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Like Java's Date.toString, in the local time zone: `Tue Nov 14 22:13:20 UTC 2023`. */
export function formatDate(ms: number): string {
  const date = new Date(ms)
  const two = (value: number) => String(value).padStart(2, '0')
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  const day = `${days[date.getDay()]} ${months[date.getMonth()]} ${two(date.getDate())}`
  return `${day} ${time} ${zoneName(date)} ${date.getFullYear()}`
}

function zoneName(date: Date): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date)
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? 'UTC'
}

export function formatChildren(children: readonly string[]): string {
  return `[${children.map(oneLine).join(', ')}]`
}

/** For missing data, which differs from empty data. */
export const nullText = 'null'

/** Sixteen bytes per line: offset, bytes, characters. */
export function formatHexdump(data: Buffer): string {
  const lines: string[] = []
  for (let at = 0; at < data.length; at += 16) {
    const row = data.subarray(at, at + 16)
    const bytes = [...row].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = [...row].map((byte) => (byte >= 0x20 && byte < 0x7f ? chr(byte) : '.')).join('')
    lines.push(`${at.toString(16).padStart(8, '0')}  ${bytes.padEnd(47)}  |${text}|`)
  }
  return lines.join('\n')
}

function chr(byte: number): string {
  return String.fromCharCode(byte)
}

export type KeeperState =
  | 'SyncConnected'
  | 'ConnectedReadOnly'
  | 'Disconnected'
  | 'Expired'
  | 'AuthFailed'

export function formatEvent({ type, path, zxid }: WatchEvent): string {
  // An event sent after a reconnect names no transaction.
  const at = zxid === zxidZero ? -1 : zxid
  return `\nWATCHER::\n\nWatchedEvent state:SyncConnected type:${type} path:${oneLine(path)} zxid: ${at}`
}

export function formatStateEvent(state: KeeperState): string {
  return `\nWATCHER::\n\nWatchedEvent state:${state} type:None path:null zxid: -1`
}

/** As in ZooKeeper's CliWrapperException. */
const sentences: Partial<Record<ErrorCode, string>> = {
  NONODE: 'Node does not exist: ',
  NOCHILDRENFOREPHEMERALS: 'Ephemerals cannot have children: ',
  NODEEXISTS: 'Node already exists: ',
  NOTEMPTY: 'Node not empty: ',
  NOTREADONLY: 'Not a read-only call: ',
  INVALIDACL: 'Acl is not valid : ',
  NOAUTH: 'Insufficient permission : ',
  AUTHFAILED: 'Authentication is not valid : ',
  BADVERSION: 'version No is not valid : ',
  QUOTAEXCEEDED: 'Quota has exceeded : ',
}

/** As in ZooKeeper's KeeperException.getCodeMessage. */
const codeNames: Partial<Record<ErrorCode, string>> = {
  CONNECTIONLOSS: 'ConnectionLoss',
  MARSHALLINGERROR: 'MarshallingError',
  UNIMPLEMENTED: 'Unimplemented',
  OPERATIONTIMEOUT: 'OperationTimeout',
  SESSIONEXPIRED: 'Session expired',
  SESSIONMOVED: 'Session moved',
  NOAUTH: 'NoAuth',
  AUTHFAILED: 'AuthFailed',
  INVALIDACL: 'InvalidACL',
  NOTREADONLY: 'Not a read-only call',
  RECONFIGDISABLED: 'Reconfig is disabled',
  NOWATCHER: 'No such watcher',
  THROTTLEDOP: 'Op throttled due to high load',
}

/** The message for a failed command; a usage error has the usage on a second line. */
export function formatError(error: unknown): string {
  if (error instanceof UsageError && error.usage !== undefined) {
    return `${error.message}\nUsage: ${error.usage}`
  }
  if (!(error instanceof ZkError)) return error instanceof Error ? error.message : String(error)
  const { code, path } = error
  const sentence = sentences[code]
  if (sentence !== undefined && path !== undefined) return `${sentence}${oneLine(path)}`
  if (code === 'BADARGUMENTS') return error.message
  if (code === 'CONNECTIONLOSS' && path === undefined) return error.message
  const where = path === undefined ? '' : ` for ${oneLine(path)}`
  const hint = code === 'SESSIONEXPIRED' ? '; connect starts a new one' : ''
  return `KeeperErrorCode = ${codeNames[code] ?? code}${where}: ${reasonOf(code)}${hint}`
}
