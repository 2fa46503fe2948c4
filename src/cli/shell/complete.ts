// Candidates for the Tab key: commands for the first word, live paths for the others. Pure.

/** What completes a line: a command, a child of `directory`, or nothing. */
type Completion =
  | { readonly type: 'command'; readonly prefix: string }
  | { readonly type: 'path'; readonly directory: string; readonly prefix: string }
  | { readonly type: 'none' }

export function completionOf(line: string): Completion {
  const word = /[^ \t]*$/.exec(line)?.[0] ?? ''
  if (word.length === line.trimStart().length) return { type: 'command', prefix: word }
  const slash = word.lastIndexOf('/')
  if (!word.startsWith('/')) return { type: 'none' }
  return { type: 'path', directory: word.slice(0, slash) || '/', prefix: word }
}
