// Lines of the shell that carry a password: what of them may be shown again. Pure.

import { nearMatches } from '../../near-matches.ts'

const mask = '******'

/**
 * `addauth digest bob:secret` as `addauth digest bob:******`; any other line as it is. A misspelled
 * `addauth` counts: its password was typed all the same.
 */
export function withoutSecrets(line: string): string {
  const [, command = '', scheme = '', rest = ''] = /^(\s*\S+)(\s+\S+)?(.*)$/s.exec(line) ?? []
  if (!isAddauth(command.trim())) return line
  if (rest.trim() === '') return scheme.includes(':') ? `${command} ${mask}` : line
  const user = scheme.trim() === 'digest' ? /^\s*["']?([^\s:"']*):/.exec(rest)?.[1] : undefined
  return `${command}${scheme} ${user === undefined ? '' : `${user}:`}${mask}`
}

export function hasSecret(line: string): boolean {
  return withoutSecrets(line) !== line
}

function isAddauth(command: string): boolean {
  return nearMatches(command, ['addauth']).length > 0
}
