// Times of day on screens and in messages.

/** `21:04:59`, in the local time zone. */
export function formatTime(wallMs: number): string {
  const date = new Date(wallMs)
  if (Number.isNaN(date.getTime())) return 'no date'
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}
