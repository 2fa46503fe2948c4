// A mixed load in the manner of ClickHouse's keeper-bench: the next request is drawn by weight.

import type { Random } from '../../src/random.ts'
import type { LoadConnection } from '../load-connection.ts'

/** In percent. */
export const keeperWeights = {
  get: 35,
  /** leaves a watch, which the next set of the znode fires */
  watch: 10,
  exists: 10,
  /** of `listLength` children */
  list: 15,
  set: 15,
  /** a check and two sets, of three znodes */
  multi: 5,
  /** creates a znode of its own and deletes it, in turn */
  churn: 10,
} as const

export const listRoot = '/bench-list'
export const listLength = 100

/** @param paths the znodes that are read and set */
export function keeperRequests(
  connection: LoadConnection,
  options: {
    readonly paths: readonly string[]
    /** of the znode that this connection creates and deletes */
    readonly churnPath: string
    readonly data: Uint8Array
    readonly random: Random
  },
): () => Buffer {
  const { paths, churnPath: path, data, random } = options
  const perPath = (template: (path: string, i: number) => Buffer) => {
    const templates = paths.map(template)
    return () => random.pick(templates)
  }
  const other = (i: number, step: number) => paths[(i + step) % paths.length] ?? ''
  const list = connection.template({ type: 'getChildren', path: listRoot, watch: false })
  const churn = [
    connection.template({ type: 'create', path, data, mode: 'persistent' }),
    connection.template({ type: 'delete', path, version: -1 }),
  ] as const
  let churns = 0
  const kinds: Readonly<Record<keyof typeof keeperWeights, () => Buffer>> = {
    get: perPath((path) => connection.template({ type: 'getData', path, watch: false })),
    watch: perPath((path) => connection.template({ type: 'getData', path, watch: true })),
    exists: perPath((path) => connection.template({ type: 'exists', path, watch: false })),
    list: () => list,
    set: perPath((path) => connection.template({ type: 'setData', path, data, version: -1 })),
    multi: perPath((path, i) =>
      connection.template({
        type: 'multi',
        ops: [
          { type: 'check', path, version: -1 },
          { type: 'setData', path: other(i, 1), data, version: -1 },
          { type: 'setData', path: other(i, 2), data, version: -1 },
        ],
      }),
    ),
    churn: () => (churns++ % 2 === 0 ? churn[0] : churn[1]),
  }
  const drawn = Object.entries(keeperWeights).flatMap(([kind, weight]) =>
    Array.from({ length: weight }, () => kinds[kind as keyof typeof kinds]),
  )
  return () => random.pick(drawn)()
}
