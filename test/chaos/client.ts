import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

export type Answer = { readonly status: number; readonly body: unknown }
type Asked = { readonly method: string; readonly path: string; readonly body?: unknown; readonly more: Headers }
type Headers = Readonly<Record<string, string>>

/** How long a client keeps asking: longer than any recovery takes, so that silence is a finding. */
const patienceMs = 180_000

/** A client that outlives crashes: it asks any server, again and again, with one idempotency key a command. */
export class StubbornClient {
  private readonly urls: readonly string[]
  private readonly key: string
  private turn = 0

  constructor(urls: readonly string[], key: string) {
    this.urls = urls
    this.key = key
  }

  get(path: string): Promise<Answer> {
    return this.ask({ method: 'GET', path, more: {} })
  }

  /** Accepted at once (202 with the operation) or refused; the work goes on behind. */
  command(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<Answer> {
    return this.ask({ method, path, body, more: { prefer: 'respond-async', 'idempotency-key': randomUUID() } })
  }

  private async ask(asked: Asked): Promise<Answer> {
    const deadline = Date.now() + patienceMs
    for (;;) {
      const answer = await this.once(asked)
      if (answer !== null && !isTransient(answer)) return answer
      if (Date.now() > deadline) {
        throw new Error(`${asked.method} ${asked.path}: no answer in ${patienceMs} ms, last ${JSON.stringify(answer)}`)
      }
      await sleep(200)
    }
  }

  private async once({ method, path, body, more }: Asked): Promise<Answer | null> {
    const url = this.urls[this.turn++ % this.urls.length]
    const type: Headers = body === undefined ? {} : { 'content-type': 'application/json' }
    const headers = { authorization: `Bearer ${this.key}`, ...type, ...more }
    try {
      const signal = AbortSignal.timeout(10_000)
      const text = body === undefined ? null : JSON.stringify(body)
      const answer = await fetch(`${url}/api/v1${path}`, { method, headers, body: text, signal })
      return { status: answer.status, body: await answer.json() }
    } catch {
      return null
    }
  }
}

/** What says nothing about the command yet: the same key asks again. */
function isTransient({ status, body }: Answer): boolean {
  return status >= 500 || status === 429 || (status === 409 && codeOf(body) === 'conflict')
}

/** The `code` of a problem; an empty text where there is none. */
export function codeOf(body: unknown): string {
  return typeof body === 'object' && body !== null && 'code' in body ? String(body.code) : ''
}
