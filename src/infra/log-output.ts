import { type DestinationStream, destination } from 'pino'

/** How long a line may wait for others. */
const delayMs = 10
/** So many characters wait for no others: far less than a pipe holds, so that a write seldom waits for its reader. */
const mostWaiting = 8192

/**
 * Standard output for log lines. Those of 10 ms leave in one write, which costs a busy server far less than a write a
 * line. They are written before the process exits, also by an error that nobody caught; only a kill loses some. `onGone` is
 * called when nobody reads them any more: the terminal was closed, or the program behind a pipe has ended.
 */
export function logOutput(fd: number = process.stdout.fd, onGone: () => void = () => undefined): DestinationStream {
  const output = destination({ dest: fd, sync: true })
  // Lines that a full disk does not take are lost; a reader that has gone takes none any more.
  output.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE' || code === 'EIO') onGone()
  })
  let lines = ''
  let waiting: NodeJS.Timeout | undefined
  const flush = () => {
    clearTimeout(waiting)
    if (lines !== '') output.write(lines)
    lines = ''
  }
  process.once('exit', flush)
  return {
    write(line) {
      if (lines === '') waiting = setTimeout(flush, delayMs).unref()
      lines += line
      if (lines.length >= mostWaiting) flush()
    },
  }
}
