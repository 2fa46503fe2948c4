// Masks passwords in lines of the shell before they are shown again. Pure.

import { nearMatches } from '../../near-matches.ts'

const mask = '******'

/**
 * `addauth digest bob:secret` becomes `addauth digest bob:******`; any other line is unchanged. A
 * misspelled `addauth` is masked too: its password was typed anyway.
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
