// README.md's tour, command by command as it is printed, in plaintext or with TLS on every port. Left out
// is what kills a process, or shows a group of members that run on.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { withoutKcat } from '../compat/tools.ts'
import { freeBasePort, Zw } from './world.ts'

const page = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const [, tour = ''] = /^## Tour\n([\s\S]*?)^## /m.exec(page) ?? []
const printed = [...tour.matchAll(/^ {4}(.+)$/gm)].map(([, line = '']) => line)

/** The one printed command that begins so. */
function command(begin: string): string {
  const [found, ...more] = printed.filter((line) => line.startsWith(begin))
  if (found === undefined || more.length > 0) throw new Error(`The tour has no one '${begin}'`)
  return found
}

/** What is typed into the shell. */
const shellLines = printed.filter((line) => /^(create|get|set|ls) /.test(line))
const [, tlsFlags = ''] = /^ {4}TLS="(.*)"$/m.exec(tour) ?? []
const [, kcatFlags = ''] = /^ {4}KCAT="(.*)"$/m.exec(tour) ?? []

export async function walkTheTour(
  t: Test,
  { isSecured }: { readonly isSecured: boolean },
): Promise<void> {
  const dataDir = t.testdir()
  const basePort = await freeBasePort({ servers: 3, brokers: 3 })
  /** The words of a printed command, for this cluster. */
  const here = (line: string) =>
    line
      .replaceAll(/(?<=[ =])(\.\/)?data\b/g, join(dataDir, 'data'))
      .replaceAll(/\b4(\d\d\d)\b/g, (_, port: string) => String(basePort + Number(port)))
  const wordsOf = (line: string) => here(line.replace(/^zw /, '')).split(' ')
  const secured = isSecured ? here(tlsFlags).split(' ') : []
  const run = async (t: Test, line: string, { more = [] as string[], input = '' } = {}) => {
    const zw = new Zw(t, [...wordsOf(line), ...secured, ...more], { input })
    t.equal(await zw.closed(), 0, zw.errors)
    return zw
  }

  const started = command('zw up').replace('--base-port 4000', `--base-port ${basePort}`)
  // Two brokers fewer take two processes less.
  const size = isSecured ? ['--tls'] : ['--brokers', '1']
  const words = isSecured ? wordsOf(started) : wordsOf(started.replace(' --brokers 3', ''))
  const up = new Zw(t, [...words, ...size])
  await up.untilLine(/^ready$/)

  const status = await run(t, command('zw status'))
  t.match(status.lines.join(), /leader/)
  t.equal(status.lines.filter((line) => / follower /.test(line)).length, 2)
  const shell = await run(t, command('zw shell'), {
    input: `${shellLines.join('\n')}\nget /app\n`,
  })
  t.match(shell.lines.join('\n'), /Created \/app\n[\s\S]*hello\n[\s\S]*\/app\/task-0000000001/)
  t.ok(shell.lines.includes('hello again'))
  t.match(
    shell.lines.join('\n'),
    isSecured ? /1, 2, 3/ : /^\[?1\]?$/m,
    'the brokers are registered',
  )

  const goals = command('zw produce goals').replace('--rate 5', '--rate 1000')
  t.match((await run(t, goals)).errors, /90 goals stored/)
  const shown = await run(t, command('zw consume goals'), { more: ['--exit-at-end'] })
  t.equal(shown.lines.length, 90)
  const [, notes = ''] = command("echo 'any line'").split(' | ')
  await run(t, notes, { input: 'any line\n' })
  t.same((await run(t, command('zw consume notes'))).lines, ['any line'])
  const created = await run(t, command('zw topics create visits'))
  t.match(created.lines, [/Created topic visits: partitions 3/])

  if (withoutKcat === undefined) {
    const more = isSecured ? ` ${here(kcatFlags)}` : ''
    execFileSync('sh', ['-c', `${here(command('seq 60'))}${more}`], { stdio: 'pipe' })
    const visits = 'zw consume visits -s 127.0.0.1:4001 --from-beginning --exit-at-end'
    t.equal((await run(t, visits)).lines.length, 60)
  } else t.comment(withoutKcat)

  if (isSecured) {
    const plain = new Zw(t, wordsOf(command('zw status')))
    await plain.closed()
    t.notMatch(plain.lines.join(), /leader|follower/, 'no port answers in plaintext')
  }
  t.equal(await up.end('SIGTERM'), 0)
}
