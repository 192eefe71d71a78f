import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/infra/clock.ts'
import {
  createClient,
  createEndpoint,
  loadKubeconfig,
  type Resource,
  selectContext,
} from '../../src/infra/kubernetes/index.ts'
import { eventually } from '../support/cluster.ts'

const command = fileURLToPath(new URL('../../testbed/cluster.ts', import.meta.url))

type Ready = { readonly kubeconfig: string; readonly pids: Readonly<Record<string, number>> }

/** The command as a user starts it, and what it says once it is ready. */
async function started(...args: readonly string[]) {
  const child = spawn(process.execPath, [command, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const { kubeconfig, pids } = JSON.parse(line) as Ready
  return { child, exited, kubeconfig, folder: dirname(kubeconfig), pids: Object.values(pids) }
}

const leases: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
}

/** The nodes that say from time to time that they are there. */
async function leased(kubeconfig: string): Promise<readonly string[]> {
  const endpoint = createEndpoint(selectContext(loadKubeconfig(kubeconfig)), systemClock)
  const client = createClient({ endpoint, clock: systemClock })
  const names = async () =>
    (await client.listMetadata(leases, { namespace: 'kube-node-lease' })).items.map(({ metadata }) => metadata.name)
  try {
    return await eventually(names, (found) => found.length === 3)
  } finally {
    await endpoint.close()
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function expectNothingLeft({ pids, folder }: { readonly pids: readonly number[]; readonly folder: string }) {
  const left = () => ({ pids: pids.filter(isAlive), folder: existsSync(folder) })
  await eventually(left, (seen) => seen.pids.length === 0 && !seen.folder)
}

describe('the command that starts a real cluster', () => {
  it('ends all of it, and removes what it has written, when it is killed', async () => {
    const running = await started()
    expect(running.pids.map(isAlive)).toEqual([true, true, true, true, true])
    running.child.kill('SIGKILL')
    await expectNothingLeft(running)
  })

  it('has nodes that renew their leases, and ends in order with the end of its input', async () => {
    const running = await started('--end-with-stdin')
    expect(await leased(running.kubeconfig)).toHaveLength(3)
    running.child.stdin.end()
    expect(await running.exited).toEqual([0, null])
    await expectNothingLeft(running)
  })

  it('says which program ended by itself, and ends the others', async () => {
    const running = await started()
    process.kill(running.pids[0] ?? 0, 'SIGKILL')
    expect(await running.exited).toEqual([1, null])
    await expectNothingLeft(running)
  })
})
