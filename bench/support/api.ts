import type { Flotilla } from '../../test/scenarios/support/flotilla.ts'

/** A call of the API as its admin. Throws for an answer that is no success. */
export async function call<T>(flotilla: Flotilla, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(`${flotilla.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${flotilla.adminKey}`, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}

/** Runs jobs, so many at once. */
export async function atOnce<T>(many: number, jobs: readonly T[], work: (job: T) => Promise<unknown>): Promise<void> {
  const queue = [...jobs]
  const one = async () => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) await work(job)
  }
  await Promise.all(Array.from({ length: many }, one))
}
