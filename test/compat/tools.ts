// The foreign programs that these tests need: where they are, and the reason to skip a test where
// they are missing.

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { realZooKeeperProblem, zooKeeperJar } from '../../bench/real-zookeeper.ts'

/** @returns undefined where there is none with it: the one in PATH may not be the system's */
export function pythonWith(module: string): string | undefined {
  return ['python3', '/usr/bin/python3'].find((python) => runs(python, '-c', `import ${module}`))
}

export function pythonWithKazoo(): string | undefined {
  return pythonWith('kazoo')
}

export const withoutKazoo = 'kazoo is not installed (Debian: python3-kazoo)'

export const withoutKazooSuite =
  'what kazoo tests itself with is not installed (Debian: python3-pytest, python3-mock)'

export const withoutKcat = runs('kcat', '-V') ? undefined : 'kcat is not installed (Debian: kcat)'

export const rsyslogd = '/usr/sbin/rsyslogd'

/** Debian has the module in the directory of the machine's architecture. */
export const withoutOmkafka =
  existsSync(rsyslogd) && readdirSync('/usr/lib').some(hasOmkafka)
    ? undefined
    : 'rsyslog’s omkafka is not installed (Debian: rsyslog-kafka)'

function hasOmkafka(directory: string): boolean {
  return existsSync(`/usr/lib/${directory}/rsyslog/omkafka.so`)
}

/** The C client's shell. */
export const cliMt = '/usr/lib/zookeeper/bin/cli_mt'

export const withoutCliMt = existsSync(cliMt)
  ? undefined
  : `there is no ${cliMt} (Debian: zookeeper-bin)`

/** Java's shell, and its server. */
export const withoutZooKeeper = realZooKeeperProblem()
export const zkCli = ['-cp', zooKeeperJar, 'org.apache.zookeeper.ZooKeeperMain'] as const

function runs(program: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
