// Values that follow the letter of a short option at once, as getopt and kcat take them: `-K:`, `-c5`,
// `-o-10`, `-eqc1`. yargs understands only some of them, so each becomes `-X=value`. Pure.

/**
 * @param words of one command, without its name
 * @param valued the letters of its options that take a value
 */
export function attachValues(words: readonly string[], valued: string): string[] {
  const end = words.indexOf('--')
  return words.map((word, i) => (end >= 0 && i >= end ? word : attached(word, valued)))
}

function attached(word: string, valued: string): string {
  const [, letters = ''] = /^-([A-Za-z]+)/.exec(word) ?? []
  const at = [...letters].findIndex((letter) => valued.includes(letter))
  const value = word.slice(at + 2)
  // `-X=value` is for yargs; `-K=` alone is the value '='.
  const isForYargs = value.length > 1 && value.startsWith('=')
  if (at < 0 || value === '' || isForYargs) return word
  return `${word.slice(0, at + 2)}=${value}`
}
