import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPracticeClusterProcess } from '@flotilla/practice-cluster'
import { KubeConfig } from '@kubernetes/client-node'

export type Labels = Readonly<Record<string, string>>

/** An object as the API answers it; tests know the fields they look at. */
export type Stored = {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly generation?: number
    readonly labels?: Labels
    readonly deletionTimestamp?: string
    readonly resourceVersion: string
  }
  readonly spec: Readonly<Record<string, unknown>>
  readonly status?: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

export type Answer = { readonly status: number; readonly body: Stored & { readonly items?: readonly Stored[] } }

/** A Kubernetes API that a test reaches by a kubeconfig and by nothing else. */
export type Cluster = {
  call(method: string, path: string, body?: unknown, contentType?: string): Promise<Answer>
  /** Kills the control plane and starts it again; only where a test has started it. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** The cluster of `CONTRACT_KUBECONFIG`, otherwise a practice cluster started for this test file. */
export async function reachCluster(): Promise<Cluster> {
  const given = process.env.CONTRACT_KUBECONFIG
  if (given !== undefined) {
    const restart = () => Promise.reject(new Error('the cluster of CONTRACT_KUBECONFIG is not restarted'))
    return { call: callerOf(given), restart, stop: async () => {} }
  }
  const data = await mkdtemp(join(tmpdir(), 'flotilla-controllers-'))
  const start = () => startPracticeClusterProcess({ data, podReadyMs: 100, onLog: () => {} })
  let running = await start()
  return {
    call: callerOf(running.kubeconfig),
    async restart() {
      await running.kill()
      running = await start()
    },
    async stop() {
      await running.stop()
      await rm(data, { recursive: true, force: true })
    },
  }
}

function callerOf(kubeconfig: string): Cluster['call'] {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  const server = config.getCurrentCluster()?.server
  if (server === undefined) throw new Error(`${kubeconfig} names no cluster`)
  return async (method, path, body, contentType = 'application/json') => {
    const options = { method, headers: { accept: 'application/json', 'content-type': contentType } }
    await config.applyToHTTPSOptions(options)
    return send(new URL(path, server), options, body === undefined ? '' : JSON.stringify(body))
  }
}

function send(url: URL, options: Readonly<Record<string, unknown>>, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, body: parsed(text) })
      })
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function parsed(text: string): Answer['body'] {
  try {
    return JSON.parse(text) as Answer['body']
  } catch {
    throw new Error(`the API answered no JSON: ${text.slice(0, 200)}`)
  }
}
