import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

/** How a practice cluster process is started. */
export type ProcessOptions = {
  /** The folder that holds everything that outlives the process. */
  readonly data: string
  /** 0 for the port of the last start if it is free, or any free one. */
  readonly port: number
  readonly kubeconfig: string
  /** How long a simulated pod takes to become ready, or undefined for the usual time. */
  readonly podReadyMs: number | undefined
  /** How long a deleted pod takes to stop, or undefined for the usual time. */
  readonly podTerminateMs: number | undefined
  /** Whether to stop when stdin ends, which happens when the process that started this one is gone. */
  readonly endWithStdin: boolean
}

const FLAGS = {
  data: { type: 'string' },
  port: { type: 'string' },
  kubeconfig: { type: 'string' },
  'pod-ready-ms': { type: 'string' },
  'pod-terminate-ms': { type: 'string' },
  'end-with-stdin': { type: 'boolean' },
} as const

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads `--data --port --kubeconfig --pod-ready-ms --pod-terminate-ms`, or `PRACTICE_DATA`, `PRACTICE_PORT`,
 * `PRACTICE_KUBECONFIG`, `PRACTICE_POD_READY_MS` and `PRACTICE_POD_TERMINATE_MS` in their place.
 * @throws Error with one line that names what is wrong.
 */
export function readOptions(args: readonly string[], environment: Environment): ProcessOptions {
  const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true })
  const data = resolve(values.data ?? environment.PRACTICE_DATA ?? '.practice-cluster')
  return {
    data,
    port: wholeNumber('port', values.port ?? environment.PRACTICE_PORT ?? '0', 65_535),
    kubeconfig: resolve(values.kubeconfig ?? environment.PRACTICE_KUBECONFIG ?? `${data}/kubeconfig`),
    podReadyMs: duration('pod-ready-ms', values['pod-ready-ms'] ?? environment.PRACTICE_POD_READY_MS),
    podTerminateMs: duration('pod-terminate-ms', values['pod-terminate-ms'] ?? environment.PRACTICE_POD_TERMINATE_MS),
    endWithStdin: values['end-with-stdin'] ?? false,
  }
}

/** Milliseconds, an hour at most. */
function duration(name: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : wholeNumber(name, text, 3_600_000)
}

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value <= most) return value
  throw new Error(`--${name} must be a whole number from 0 to ${most}, not "${text}"`)
}
