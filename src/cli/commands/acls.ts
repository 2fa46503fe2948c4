// `zw acls`: rules of access, which brokers with `acls` enforce. They lie in ZooWeeper, where Kafka keeps
// them, and only programs that know the secret of the cluster may change them.

import { addEntry, readRules, removeEntry } from '../../client/zk/acl-znodes.ts'
import { ZkError } from '../../client/zk/zk-client.ts'
import {
  type AclOperation,
  type AclPattern,
  type AclRule,
  aclOperations,
  clusterName,
  entryProblem,
  everyHost,
  mayApply,
  patternProblem,
} from '../../protocol/mq/acls.ts'
import { BadUsage, cliCommand, outputOption, serverOption } from '../cli-command.ts'
import { toStdout } from '../output.ts'
import { tlsOf, tlsOptions } from '../tls-options.ts'
import { secretFileOption, withSecret } from './secret-session.ts'

const operationNames = Object.keys(aclOperations) as AclOperation[]

export const acls = cliCommand({
  command: 'acls <action>',
  valued: 'so',
  usage: [
    'zw acls list [--topic T | --group G | --cluster] [--principal User:NAME] --secret-file FILE [-o json]',
    'zw acls add --principal User:NAME --operation read … (--topic T | --group G | --cluster) --secret-file FILE',
    '       [--prefix] [--host ADDRESS] [--deny]',
    'zw acls remove with the options of the rule',
  ].join('\n'),
  describe: 'who may do what with topics, groups and the cluster of brokers',
  builder: (cli) =>
    tlsOptions(cli)
      .positional('action', {
        type: 'string',
        choices: ['list', 'add', 'remove'] as const,
        demandOption: true,
        describe: 'brokers enforce rules if they run with --acls',
      })
      .option('server', serverOption('ZooWeeper servers of the brokers: host:port,…[/chroot]'))
      .option('secret-file', secretFileOption)
      .option('principal', { type: 'string', describe: 'User:NAME; User:* is everyone' })
      .option('operation', {
        type: 'string',
        array: true,
        choices: operationNames,
        describe: 'what is allowed; may be repeated',
      })
      .option('topic', { type: 'string', describe: 'a topic; * is every topic' })
      .option('group', { type: 'string', describe: 'a consumer group; * is every group' })
      .option('cluster', { type: 'boolean', default: false, describe: 'the cluster itself' })
      .option('prefix', {
        type: 'boolean',
        default: false,
        describe: 'all names that begin with the one given',
      })
      .option('host', { type: 'string', default: everyHost, describe: 'address of the client' })
      .option('deny', {
        type: 'boolean',
        default: false,
        describe: 'deny it, which outweighs every rule that allows it',
      })
      .option('output', outputOption),
  async handler(asked) {
    const { action, server, secretFile, output } = asked
    const pattern = patternOf(asked)
    const rules = action === 'list' ? [] : rulesOf(pattern, asked)
    await withSecret({ server, secretFile, tls: tlsOf(asked) }, async (zk) => {
      try {
        if (action === 'list') {
          const found = await readRules(zk)
          print(found.filter(isListed(pattern, asked.principal)), output === 'json')
          return
        }
        const change = action === 'add' ? addEntry : removeEntry
        for (const rule of rules) await change(zk, rule, rule)
        print(rules, output === 'json')
      } catch (error) {
        throw explained(error)
      }
    })
  },
})

interface Asked {
  readonly principal?: string | undefined
  readonly operation?: readonly AclOperation[] | undefined
  readonly topic?: string | undefined
  readonly group?: string | undefined
  readonly cluster: boolean
  readonly prefix: boolean
  readonly host: string
  readonly deny: boolean
}

/** @returns undefined if none is named. @throws BadUsage */
function patternOf({ topic, group, cluster, prefix }: Asked): AclPattern | undefined {
  const patternType = prefix ? 'prefixed' : 'literal'
  const named: AclPattern[] = []
  if (topic !== undefined) named.push({ resourceType: 'topic', patternType, name: topic })
  if (group !== undefined) named.push({ resourceType: 'group', patternType, name: group })
  if (cluster) named.push({ resourceType: 'cluster', patternType, name: clusterName })
  if (named.length > 1) throw new BadUsage('Cannot use several of --topic, --group and --cluster')
  const [pattern] = named
  const problem = pattern && patternProblem(pattern)
  if (problem !== undefined) throw new BadUsage(`Cannot use the rule: ${problem}`)
  return pattern
}

/** One for each operation. @throws BadUsage */
function rulesOf(pattern: AclPattern | undefined, asked: Asked): readonly AclRule[] {
  const { principal, operation: operations = [], host, deny } = asked
  if (pattern === undefined) throw new BadUsage('Cannot do it: name --topic, --group or --cluster')
  if (principal === undefined) throw new BadUsage('Cannot do it: --principal is missing')
  if (operations.length === 0) throw new BadUsage('Cannot do it: --operation is missing')
  return operations.map((operation) => {
    if (!mayApply(operation, pattern.resourceType)) {
      const what = `a ${pattern.resourceType} has no operation '${operation}'`
      throw new BadUsage(`Cannot use the rule: ${what}`)
    }
    const permission = deny ? 'deny' : 'allow'
    const { resourceType, patternType, name } = pattern
    const rule = {
      resourceType,
      patternType,
      name,
      principal,
      host,
      operation,
      permission,
    } as const
    const problem = entryProblem(rule)
    if (problem !== undefined) throw new BadUsage(`Cannot use the rule: ${problem}`)
    return rule
  })
}

function isListed(pattern: AclPattern | undefined, principal: string | undefined) {
  return (rule: AclRule): boolean =>
    (pattern === undefined ||
      (rule.resourceType === pattern.resourceType && rule.name === pattern.name)) &&
    (principal === undefined || rule.principal === principal)
}

function print(rules: readonly AclRule[], isJson: boolean): void {
  if (isJson) toStdout(`${JSON.stringify(rules)}\n`)
  else for (const rule of rules) toStdout(`${lineOf(rule)}\n`)
}

function lineOf(rule: AclRule): string {
  const { permission, principal, operation, resourceType, patternType, name, host } = rule
  const what = patternType === 'prefixed' ? `${name}… (prefix)` : name
  const from = host === everyHost ? '' : ` from ${host}`
  return [permission, principal, operation, resourceType, `${what}${from}`].join('\t')
}

function explained(error: unknown): unknown {
  if (!(error instanceof ZkError) || error.code !== 'NONODE') return error
  const found = 'no broker with --acls has made their znodes yet: start one'
  return new Error(`Cannot find rules of access: ${found}`)
}
