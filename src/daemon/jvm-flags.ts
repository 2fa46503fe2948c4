// ZooKeeper's options in Java's flags: `-Dname=value` in SERVER_JVMFLAGS and JVMFLAGS, which
// zkServer.sh passes to the JVM. A zoo.cfg overrides them, and JVMFLAGS overrides SERVER_JVMFLAGS.
//
// Source: zkServer.sh and zkEnv.sh; Java's launcher, where the last of two equal flags wins.

import type { Environment, ForeignSettings, Setting } from '../option-rows.ts'

/** Lowest precedence first. */
const variables = ['SERVER_JVMFLAGS', 'JVMFLAGS'] as const

/** ZooKeeper's properties whose names do not begin with `zookeeper.`. */
const bareNames =
  /^(jute\.maxbuffer|znode\.container\.|readonlymode\.enabled$|fsync\.warningthresholdms$|(leader|follower)\.nodelay$|java\.security\.auth\.login\.config$)/

export function jvmFlagSettings(environment: Environment): ForeignSettings {
  const settings: Setting[] = []
  const warnings: string[] = []
  for (const variable of variables) {
    const source = `the environment (${variable})`
    // zkServer.sh splits at white space, and quotation marks do not group words.
    const words = (environment[variable] ?? '').split(/\s+/).filter((word) => word !== '')
    const others = new Set<string>()
    for (const word of words) {
      const [, name = '', value = ''] = /^-D([^=]+)(?:=(.*))?$/s.exec(word) ?? []
      if (name.startsWith('zookeeper.') || bareNames.test(name)) {
        settings.push({ spelled: name, value, source })
      } else {
        // Without its value, which may be a password.
        others.add(word.replace(/[=:].*$/s, ''))
      }
    }
    if (others.size === 0) continue
    warnings.push(`${[...others].join(', ')} from ${source} has no effect here: there is no JVM`)
  }
  return { settings, warnings }
}
