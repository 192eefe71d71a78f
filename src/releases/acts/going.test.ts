import { expect, test } from 'vitest'
import { ClusterError } from '../../infra/kubernetes/index.ts'
import type { ReleaseCluster } from '../ports.ts'
import { unlessGoing } from './going.ts'

const at = { namespace: 'team' }
const cluster = (isTerminating: () => Promise<boolean>) => ({ isTerminating }) as unknown as ReleaseCluster
const said = { code: 'not_permitted', detail: 'no rights' } as const

test('what a namespace that is being deleted does not permit is told as that', async () => {
  expect(
    await unlessGoing(
      cluster(async () => true),
      at,
      said,
    ),
  ).toMatchObject({
    code: 'refused',
    detail: expect.stringContaining('the namespace "team" is being deleted'),
  })
  expect(
    await unlessGoing(
      cluster(async () => false),
      at,
      said,
    ),
  ).toBe(said)
})

test('a cluster that does not tell leaves it as it was said', async () => {
  const silent = async () => Promise.reject(new ClusterError({ status: 0, reason: 'Timeout', message: '' }))
  expect(await unlessGoing(cluster(silent), at, said)).toBe(said)
})

test('what the cluster has not refused has its own reason: nobody is asked', async () => {
  const hook = { code: 'hook_failed', detail: 'its hook failed' } as const
  const unasked = async () => Promise.reject(new Error('asked'))
  expect(await unlessGoing(cluster(unasked), at, hook)).toBe(hook)
})
