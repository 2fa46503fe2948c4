// Znode paths: validation and parts. Rules as in ZooKeeper's PathUtils.

/**
 * @returns why `path` is no znode path, or undefined if it is one. A sequential create may end in
 *   a slash, because a number will follow it.
 */
export function pathProblem(path: string, options?: { sequential?: boolean }): string | undefined {
  const whole = options?.sequential === true ? `${path}1` : path
  if (whole.length === 0) return 'a path cannot be empty'
  if (whole.charCodeAt(0) !== slash) return 'a path must start with /'
  if (whole.length === 1) return undefined
  if (whole.charCodeAt(whole.length - 1) === slash) return 'a path must not end with /'
  let componentStart = 1
  for (let i = 1; i <= whole.length; i++) {
    const unit = i === whole.length ? slash : whole.charCodeAt(i)
    if (unit !== slash) {
      if (isForbidden(unit)) return `character U+${hex4(unit)} is not allowed in a path`
      continue
    }
    const length = i - componentStart
    if (length === 0) return 'a path must not contain an empty name (//)'
    if (length === 1 && whole.charCodeAt(componentStart) === dot)
      return 'a path must not contain /./'
    if (length === 2 && whole.startsWith('..', componentStart))
      return 'a path must not contain /../'
    componentStart = i + 1
  }
  return undefined
}

const slash = 0x2f
const dot = 0x2e

/** UTF-16 units are checked one by one, as in ZooKeeper: nothing above U+FFFF is valid. */
function isForbidden(unit: number): boolean {
  if (unit >= 0x20 && unit < 0x7f) return false
  return (
    unit <= 0x1f ||
    (unit >= 0x7f && unit <= 0x9f) ||
    (unit >= 0xd800 && unit <= 0xf8ff) ||
    unit >= 0xfff0
  )
}

function hex4(unit: number): string {
  return unit.toString(16).toUpperCase().padStart(4, '0')
}

/** Parent of a valid path other than `/`. */
export function parentOf(path: string): string {
  const last = path.lastIndexOf('/')
  return last <= 0 ? '/' : path.slice(0, last)
}

/** Whether `parent` is `parentOf(path)`, without making a string. */
export function isChildOf(path: string, parent: string): boolean {
  const last = path.lastIndexOf('/')
  if (last <= 0) return parent === '/'
  return last === parent.length && path.startsWith(parent)
}

/** Last name of a valid path; empty for `/`. */
export function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Path of a child; `parent` may be `/`. */
export function childPath(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`
}

/** The suffix of a sequential create: its parent's count of creates as Java's `%010d`, an int32. */
export function sequentialSuffix(createCount: number): string {
  const int32 = createCount | 0
  return int32 < 0 ? `-${String(-int32).padStart(9, '0')}` : String(int32).padStart(10, '0')
}
