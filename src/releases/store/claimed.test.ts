import { expect, test } from 'vitest'
import { orderSight } from './claimed.ts'

const begun = { id: 'order', status: 'RUNNING', phase: 'applying', deadline: 60_000, error: null }
const hook = 'helm waits for the hook Job app-migrate (pre-upgrade)'

test.each(['APPLYING', 'ROLLING_BACK'])('while helm is at work, %s, it is told what it is at', (reason) => {
  expect(orderSight({ ...begun, reason, awaits: hook })).toEqual({ kind: 'running', until: 60_000, awaits: hook })
})

test.each([
  ['CLUSTER_UNREADABLE', 'the cluster does not answer'],
  ['WORKLOADS_NOT_READY', 'Deployment web: 1 of 2 ready'],
  ['THAWING', 'refused'],
  ['QUEUED', 'no worker has begun it'],
])('what is waited for beside helm, %s, is not what helm is at', (reason, awaits) => {
  expect(orderSight({ ...begun, reason, awaits })).toMatchObject({ kind: 'running', awaits: null })
})
