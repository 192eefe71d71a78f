import { connect } from 'node:net'
import { createInterface } from 'node:readline'

/**
 * A process of event streams, so that their cost is not the server's: opens as many as it is told in its first line, says
 * `open` when all of them are, and the moment at which each has read each further line of the standard input in an event.
 */
type Asked = { readonly port: number; readonly keys: readonly string[]; readonly each: number }

const openingAtOnce = 50
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const { port, keys, each } = JSON.parse(String((await input.next()).value)) as Asked

/** What every stream looks for now, and who is told of each that has found it. */
let wanted: { readonly text: string; readonly found: (at: number) => void } | null = null
let broken = 0

const all = keys.flatMap((key) => Array.from({ length: each }, () => key))
const queue = [...all]
const opening = async () => {
  for (let key = queue.pop(); key !== undefined; key = queue.pop()) await openStream(key)
}
await Promise.all(Array.from({ length: openingAtOnce }, opening))
console.log('open')
for await (const text of input) console.log(JSON.stringify(await reached(text)))
process.exit()

/** When each stream has read an event with the text: milliseconds since the epoch. */
function reached(text: string): Promise<readonly number[]> {
  const moments: number[] = []
  return new Promise((resolve) => {
    const found = (at: number) => {
      if (moments.push(at) + broken === all.length) resolve(moments)
    }
    wanted = { text, found }
  })
}

/** Resolves when the answer has begun. A stream that is refused or breaks is an error of all. */
function openStream(key: string): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.setEncoding('utf8')
  socket.write(
    `GET /api/v1/events HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${key}\r\naccept: text/event-stream\r\n\r\n`,
  )
  let rest = ''
  let last: string | null = null
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('close', () => {
      broken++
      reject(new Error(`a stream ended after: ${rest.slice(0, 200)}`))
    })
    socket.on('data', (chunk: string) => {
      rest += chunk
      if (!rest.startsWith('HTTP/1.1 200') && last === null) return
      if (last === null && rest.includes('retry: 2000')) {
        last = ''
        resolve()
      }
      if (wanted !== null && last !== wanted.text && rest.includes(wanted.text)) {
        last = wanted.text
        wanted.found(Date.now())
      }
      rest = rest.slice(-2000)
    })
  })
}
