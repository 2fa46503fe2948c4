// Whether a data directory is an old copy. Pure; session/marks.ts asks ZooWeeper.
//
// A directory's identity is random and created with it, so a wiped disk gets another one. An old
// copy keeps the identity and is recognised by its mark, a pair of numbers that rises while the
// directory is in use, first in the directory and then in the znode /brokers/marks/<identity>.
//
//   directory   (life 40, 7) ──▶ (life 40, 8) ──▶ crash     a copy from here ──▶ (life 40, 7)
//   znode       (life 40, 7) ──────▶ (life 40, 8)                    is below the znode's mark
//
// So a directory whose mark is below its znode's is an old copy, and its logs do not count as in
// sync. Two copies are distinguished only if a mark was raised between them: at a start or a
// checkpoint.

import { isNatural, objectOf } from '../../json.ts'

/** Compared by life first. */
export interface Mark {
  /** broker epoch of the last life that raised it; 0 before the first */
  readonly life: number
  readonly counter: number
}

export const noMark: Mark = { life: 0, counter: 0 }

export function isBelow(a: Mark, b: Mark): boolean {
  return a.life === b.life ? a.counter < b.counter : a.life < b.life
}

/** @param life the broker's current one */
export function nextMark(mark: Mark, life: number): Mark {
  return mark.life === life ? { life, counter: mark.counter + 1 } : { life, counter: 0 }
}

/** The format in the directory and in the znode. */
export function encodeMark({ life, counter }: Mark): string {
  return JSON.stringify({ version: 1, life, counter })
}

export function decodeMark(bytes: Buffer | null | undefined): Mark | undefined {
  const { version, life, counter } = objectOf(bytes)
  if (version !== 1 || !isNatural(life) || !isNatural(counter)) return undefined
  return { life, counter }
}
