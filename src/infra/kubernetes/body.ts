import { ClusterError } from './errors.ts'

/** Reads a body whole, at most `maxBytes`. Throws `ClusterError` (`TooLarge`) beyond. */
export async function readText(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Cuts a stream into lines; a last one without an end is left out, because it is not whole. */
export async function* readLines(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > maxBytes) throw tooLarge(maxBytes)
    for (const line of lines) if (line !== '') yield line
  }
}

function tooLarge(maxBytes: number): ClusterError {
  return new ClusterError({ status: 0, reason: 'TooLarge', message: `the answer is longer than ${maxBytes} bytes` })
}
