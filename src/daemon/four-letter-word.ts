// The names of the four-letter words, used by the options, which enable some of them, and by
// admin/four-letter-words.ts, which answers them.

export const fourLetterWords = [
  'conf',
  'cons',
  'crst',
  'dirs',
  'dump',
  'envi',
  'gtmk',
  'hash',
  'isro',
  'mntr',
  'ruok',
  'srst',
  'srvr',
  'stat',
  'wchc',
  'wchp',
  'wchs',
] as const

export type Word = (typeof fourLetterWords)[number]

const words: ReadonlySet<string> = new Set(fourLetterWords)

export function isFourLetterWord(word: string): word is Word {
  return words.has(word)
}
