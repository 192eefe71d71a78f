import { Pool } from 'undici'

/** How long answers took, in milliseconds, the quickest first. */
export type Latencies = readonly number[]

/** Below which value a share of the values lies. */
export const quantile = (sorted: Latencies, share: number): number =>
  sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN

export const milliseconds = (value: number): string => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`

/** Who asks which server. */
export type Asker = { readonly pool: Pool; readonly headers: Readonly<Record<string, string>> }

export function askerOf(url: string, key: string, connections = 8): Asker {
  return { pool: new Pool(url, { connections }), headers: { authorization: `Bearer ${key}` } }
}

/** The text of an answer and where its next page is. Throws for one that is no success. Paths are below `/api/v1`. */
export async function ask({ pool, headers }: Asker, path: string) {
  const answer = await pool.request({ method: 'GET', path: `/api/v1${path}`, headers })
  const text = await answer.body.text()
  if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode} ${text}`)
  const next = /<\/api\/v1([^>]+)>/.exec(String(answer.headers.link ?? ''))?.[1] ?? null
  return { text, next, total: answer.headers['x-total-count'] }
}

/** So often a question is asked before it is measured: plans, connections and the code get warm. */
const warmUps = 6

/** Asks one after another, at most so often and for so long. */
export async function latencies(
  asker: Asker,
  pathOf: (n: number) => string,
  most: { readonly samples: number; readonly seconds: number },
): Promise<Latencies> {
  for (let n = 0; n < warmUps; n++) await ask(asker, pathOf(n))
  const end = performance.now() + most.seconds * 1000
  const found: number[] = []
  while (found.length < most.samples && performance.now() < end) {
    const from = performance.now()
    await ask(asker, pathOf(warmUps + found.length))
    found.push(performance.now() - from)
  }
  return found.sort((a, b) => a - b)
}

/** Asks as fast as answers come, `atOnce` at a time: answers a second, and how many there were. */
export async function rateOf(asker: Asker, pathOf: (n: number) => string, atOnce: number, seconds: number) {
  const from = performance.now()
  let answers = 0
  const one = async () => {
    while (performance.now() < from + seconds * 1000) await ask(asker, pathOf(answers++))
  }
  await Promise.all(Array.from({ length: atOnce }, one))
  return { rate: (1000 * answers) / (performance.now() - from), answers }
}
