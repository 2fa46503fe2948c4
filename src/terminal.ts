// What a stream of ours can show. The environment is that of the process, passed in.

type Environment = Readonly<Record<string, string | undefined>>
type Stream = { readonly isTTY?: boolean }

/** Whether text may be coloured: on a terminal, unless NO_COLOR (no-color.org) or TERM=dumb is set. */
export function hasColors(stream: Stream, environment: Environment): boolean {
  return canDraw(stream, environment) && (environment['NO_COLOR'] ?? '') === ''
}

/** Whether the cursor can be moved and lines drawn again. */
export function canDraw(stream: Stream, environment: Environment): boolean {
  return stream.isTTY === true && environment['TERM'] !== 'dumb'
}
