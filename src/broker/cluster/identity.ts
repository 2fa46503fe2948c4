// Whether a data directory is still the one that it says it is. Pure; session/marks.ts asks ZooWeeper.
//
// A directory's identity is random and made with it, so a wiped disk has another one. An old copy has
// the same: it is told by its mark, a number pair that rises as long as the directory is in use, first
// in the directory and then in the znode /brokers/marks/<identity>.
//
//   directory   (life 40, 7) ──▶ (life 40, 8) ──▶ crash        a copy of here ──▶ (life 40, 7)
//   znode       (life 40, 7) ──────▶ (life 40, 8)                      is below the znode's mark
//
// So a directory that is below the mark of its znode is an old copy, and promises nothing. Copies are
// told apart only when a mark was raised between them: at each start, and at each checkpoint.

import { isNatural, objectOf } from '../../json.ts'

/** Compared by life first. */
export interface Mark {
  /** broker epoch of the life that raised it last; 0 before the first */
  readonly life: number
  readonly counter: number
}

export const noMark: Mark = { life: 0, counter: 0 }

export function isBelow(a: Mark, b: Mark): boolean {
  return a.life === b.life ? a.counter < b.counter : a.life < b.life
}

/** @param life the broker's present one */
export function nextMark(mark: Mark, life: number): Mark {
  return mark.life === life ? { life, counter: mark.counter + 1 } : { life, counter: 0 }
}

/** In the directory and in the znode. */
export function encodeMark({ life, counter }: Mark): string {
  return JSON.stringify({ version: 1, life, counter })
}

export function decodeMark(bytes: Buffer | null | undefined): Mark | undefined {
  const { version, life, counter } = objectOf(bytes)
  if (version !== 1 || !isNatural(life) || !isNatural(counter)) return undefined
  return { life, counter }
}
