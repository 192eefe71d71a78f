import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock as clock } from '../../../src/infra/clock.ts'
import {
  closeWorkspace,
  Gateway,
  HelmProcess,
  openWorkspace,
  type RollbackSpec,
  type RunContext,
  type UpgradeSpec,
} from '../../../src/infra/helm/index.ts'
import { resources } from '../../../src/infra/kubernetes/index.ts'
import { packTgz } from '../../../src/infra/tgz.ts'
import { frozenWorkloads } from '../../../src/upgrades/drivers/frozen.ts'
import type { Service } from '../../../src/upgrades/drivers/services/select.ts'
import { eventually } from '../../support/cluster.ts'
import { handFlags, testedDialect, testedHelm } from '../../support/tested-helm.ts'
import { Tools } from '../cluster/support/tools.ts'
import { heldBy, TestFleet, uidsOf } from './support/fleet.ts'
import { World } from './support/world.ts'

/** Renders all that a gate touches and may be rendered: what helm owns must be helm's again in the end. */
const chart = {
  'Chart.yaml': 'apiVersion: v2\nname: demo\nversion: 1.0.0\n',
  'values.yaml':
    'tag: 1.0.0\nminReadySeconds: 1\nstrategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}\n',
  'templates/app.yaml': `
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: 3
  {{- with .Values.minReadySeconds }}
  minReadySeconds: {{ . }}
  {{- end }}
  progressDeadlineSeconds: 600
  {{- with .Values.strategy }}
  strategy: {{ toJson . }}
  {{- end }}
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers: [{name: main, image: "registry.invalid/app:{{ .Values.tag }}"}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: app}, ports: [{port: 80}]}
`,
}

let world: World
let tools: Tools
beforeAll(async () => {
  world = await World.open()
  tools = new Tools(world.cluster.kubeconfig)
})
afterAll(async () => {
  tools.remove()
  await world.close()
})

async function helm(fleet: TestFleet, ...args: readonly string[]): Promise<void> {
  const { code, stderr } = await tools.helm(...args, '-n', fleet.namespace, ...handFlags.hooksOnly)
  if (code !== 0) throw new Error(`helm ${args[0]}: ${stderr}`)
}

async function installed(...values: readonly string[]): Promise<{ fleet: TestFleet; folder: string }> {
  const folder = tools.folder(chart)
  const fleet = await TestFleet.adopt(world, 'Deployment')
  await helm(fleet, 'install', 'demo', folder, ...values)
  await fleet.reaches({ '1.0.0': 3 })
  return { fleet, folder }
}

const selector = async (fleet: TestFleet) =>
  (await fleet.client.get<Service>(resources.services, { namespace: fleet.namespace, name: 'web' })).spec?.selector

test('helm upgrades a closed workload and meets no conflict, then or later', async () => {
  const { fleet, folder } = await installed()
  await fleet.gate({ kind: 'closed' })
  await helm(fleet, 'upgrade', 'demo', folder, '--set', 'tag=2.0.0')
  await fleet.holds()
  await fleet.admit(0, 1)
  await fleet.reaches({ '1.0.0': 3, '2.0.0': 1 }, 3)
  await fleet.admit(3)
  await fleet.reaches({ '2.0.0': 3 })
  await fleet.gate({ kind: 'none' })
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
  expect((await fleet.live()).spec).toMatchObject({ strategy, minReadySeconds: 1 })
  const recreate = 'strategy={"type":"Recreate","rollingUpdate":null}'
  await helm(fleet, 'upgrade', 'demo', folder, '--set', 'tag=3.0.0', '--set-json', recreate)
  await fleet.reaches({ '3.0.0': 3 })
  expect((await fleet.live()).spec?.strategy).toEqual({ type: 'Recreate' })
})

test('helm goes back under a halted gate, and the untouched pods stay', async () => {
  const { fleet, folder } = await installed()
  await fleet.gate({ kind: 'closed' })
  await helm(fleet, 'upgrade', 'demo', folder, '--set', 'tag=2.0.0')
  await fleet.admit(1)
  await fleet.reaches({ '1.0.0': 2, '2.0.0': 1 })
  const untouched = (await fleet.podsOf('1.0.0')).map(({ uid }) => uid)
  await fleet.gate({ kind: 'halted' })
  await helm(fleet, 'rollback', 'demo', '1', ...handFlags.force)
  await fleet.gate({ kind: 'reverting', unavailable: 1, surge: 0 })
  await fleet.reaches({ '1.0.0': 3 }, 2)
  await fleet.gate({ kind: 'none' })
  await fleet.holds()
  const now = uidsOf(await fleet.alive())
  expect(untouched.filter((uid) => !now.includes(uid))).toEqual([])
  await helm(fleet, 'upgrade', 'demo', folder, '--set', 'tag=1.0.0')
})

test('a chart that replaces all at once is held, goes back, and is upgraded again without a word of ours', async () => {
  const recreate = ['--set-json', 'strategy={"type":"Recreate","rollingUpdate":null}']
  const folder = tools.folder(chart)
  const fleet = await TestFleet.adopt(world, 'Deployment')
  await helm(fleet, 'install', 'demo', folder, ...recreate)
  await fleet.reaches({ '1.0.0': 3 })
  await fleet.gate({ kind: 'closed' })
  await helm(fleet, 'upgrade', 'demo', folder, '--set', 'tag=2.0.0', ...recreate)
  await fleet.admit(1)
  await fleet.reaches({ '1.0.0': 2, '2.0.0': 1 })
  await fleet.gate({ kind: 'frozen' })
  await fleet.next({ from: '1.0.0', to: '2.0.0' })
  await fleet.gate({ kind: 'closed' })
  await helm(fleet, 'upgrade', 'demo', folder, '--set', 'tag=2.0.0', ...recreate)
  await fleet.holds()
  await fleet.admit(2)
  await fleet.reaches({ '1.0.0': 1, '2.0.0': 2 })
  await fleet.gate({ kind: 'halted' })
  await helm(fleet, 'rollback', 'demo', '1', ...handFlags.force)
  await fleet.holds()
  await fleet.gate({ kind: 'reverting', unavailable: 1, surge: 0 })
  await fleet.reaches({ '1.0.0': 3 }, 2)
  await fleet.gate({ kind: 'none' })
  expect((await fleet.live()).spec?.strategy).toEqual({ type: 'Recreate' })
  await helm(fleet, 'upgrade', 'demo', folder, '--set', 'tag=2.0.0')
  await fleet.reaches({ '2.0.0': 3 })
})

/** 4 applies the selector, which is one field, and so takes the pin away; 3.17 sends only what its manifests differ in. */
async function expectPinAfterRollback(fleet: TestFleet): Promise<void> {
  const { pin } = await fleet.see()
  if (testedDialect === 'v3') return expect(pin?.to).toBe('previous')
  expect(pin).toBeNull()
  expect(await selector(fleet)).toEqual({ app: 'app' })
}

test('a rollback by helm takes a pin away, and going back puts it in its place again first', async () => {
  const { fleet, folder } = await installed()
  await fleet.gate({ kind: 'closed' })
  await helm(fleet, 'upgrade', 'demo', folder, '--set', 'tag=2.0.0')
  await fleet.pin('previous')
  await fleet.admit(0, 3)
  await fleet.reaches({ '1.0.0': 3, '2.0.0': 3 }, 3)
  await fleet.gate({ kind: 'halted' })
  await helm(fleet, 'rollback', 'demo', '1', ...handFlags.force)
  await expectPinAfterRollback(fleet)
  await fleet.gate({ kind: 'reverting', unavailable: 1, surge: 0 })
  await eventually(
    async () => (await fleet.see()).pin,
    (pin) => pin?.to === 'previous' && pin.endpoints === 3,
  )
  await fleet.reaches({ '1.0.0': 3 }, 3)
  await fleet.gate({ kind: 'none' })
  await fleet.pin(null)
  expect(await selector(fleet)).toEqual({ app: 'app' })
  await helm(fleet, 'upgrade', 'demo', folder, '--set', 'tag=2.0.0')
  await fleet.reaches({ '2.0.0': 3 })
})

/** Given a fleet that BLUE_GREEN has left frozen, with traffic still on the version of before. */
async function frozenWithPin(...values: readonly string[]) {
  const { fleet, folder } = await installed(...values)
  await leaveFrozen(fleet, folder, values)
  return { fleet, folder }
}

async function leaveFrozen(fleet: TestFleet, folder: string, values: readonly string[]): Promise<void> {
  await fleet.gate({ kind: 'closed' })
  await helm(fleet, 'upgrade', 'demo', folder, '--set', 'tag=2.0.0', ...values)
  await fleet.pin('previous')
  await fleet.admit(0, 3)
  await fleet.reaches({ '1.0.0': 3, '2.0.0': 3 }, 3)
  await fleet.gate({ kind: 'frozen' })
}

test('helm meets no conflict on a frozen fleet whose traffic is pinned', async () => {
  const { fleet, folder } = await frozenWithPin()
  const release = { id: fleet.releaseId, clusterId: world.clusterId, namespace: fleet.namespace }
  const frozen = frozenWorkloads(world.parts())
  const lease = await world.lease({ id: fleet.releaseId }, 'release')
  await frozen.halt(release, lease, 'on')
  await helm(fleet, 'upgrade', 'demo', folder, '--set', 'tag=3.0.0')
  await frozen.restore(release, lease)
  await fleet.reaches({ '3.0.0': 3 })
  expect(await selector(fleet)).toEqual({ app: 'app' })
})

type Run = (helm: HelmProcess, act: RollbackSpec, hold: RunContext) => Promise<unknown>

/** helm as a release runs it: through the gateway, which is told what of the workload is to stay. */
async function byRelease(fleet: TestFleet, run: Run): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-drivers-'))
  const workspace = await openWorkspace(folder)
  const gateway = await Gateway.open({ clock })
  try {
    const release = { id: fleet.releaseId, clusterId: world.clusterId, namespace: fleet.namespace }
    const keeps = await frozenWorkloads(world.parts()).bounds(release)
    const target = { cluster: world.cluster.endpoint, namespace: fleet.namespace, release: 'demo', keeps }
    const helm = new HelmProcess({ binary: await testedHelm(), gateway, workspace, clock })
    const hold = { ...heldBy(fleet.lease), deadline: clock.now() + 50_000 }
    await run(helm, { ...target, timeoutSeconds: 20, revision: 2 }, hold)
  } finally {
    await gateway.close()
    await closeWorkspace(workspace)
    await rm(folder, { recursive: true, force: true })
  }
}

function upgradedByRelease(fleet: TestFleet, values: UpgradeSpec['values']): Promise<void> {
  const files = Object.entries(chart).map(([name, text]) => [`demo/${name}`, Buffer.from(text)] as const)
  const bytes = packTgz(new Map(files))
  return byRelease(fleet, (helm, act, hold) =>
    helm.upgrade({ ...act, chart: { bytes }, values, operationId: 'op' }, hold),
  )
}

/** Each with bounds that would take pods at once; the second with a deadline that the API refuses beside the gate's. */
const renderedAlso = [{ minReadySeconds: 1 }, { minReadySeconds: null }]

test.each(renderedAlso)(
  'no pod goes, and helm meets no conflict, where an execution takes such a fleet over: %o',
  async (bounds) => {
    const { fleet } = await frozenWithPin('--set', `minReadySeconds=${bounds.minReadySeconds}`)
    const before = uidsOf(await fleet.alive())
    await fleet.next({ from: '1.0.0', to: '2.0.0' })
    await fleet.gate({ kind: 'closed' })
    const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } }
    await upgradedByRelease(fleet, { tag: '2.0.0', strategy, ...bounds })
    await fleet.holds()
    expect(uidsOf(await fleet.alive())).toEqual(before)
    fleet.execution = { ...fleet.execution, deployed: true }
    await fleet.pin('previous')
    await fleet.admit(0, 3)
    await fleet.reaches({ '1.0.0': 3, '2.0.0': 3 }, 6)
    await fleet.pin('target')
    await fleet.gate({ kind: 'none' })
    await fleet.pin(null)
    await fleet.reaches({ '2.0.0': 3 }, 3)
    const { spec, metadata } = await fleet.live()
    expect(spec).toMatchObject({ strategy, progressDeadlineSeconds: 600 })
    expect(spec?.minReadySeconds ?? null).toBe(bounds.minReadySeconds)
    expect(Object.keys(metadata.annotations ?? {}).filter((name) => name.startsWith('flotilla.dev/'))).toEqual([])
    await helm(fleet, 'upgrade', 'demo', tools.folder(chart), '--set', 'tag=3.0.0')
    await fleet.reaches({ '3.0.0': 3 })
  },
)

/** Ways that end with a version which renders no bounds: what the fleet was frozen with, and what helm does beneath the gate. */
const silent = ['--set', 'minReadySeconds=null', '--set', 'strategy=null']
const unrendered = [
  {
    way: 'goes back from bounds to a version that renders none',
    frozen: silent,
    async run(fleet: TestFleet) {
      await upgradedByRelease(fleet, { tag: '3.0.0' })
      await byRelease(fleet, (helm, act, hold) => helm.rollback(act, hold))
    },
  },
  {
    way: 'upgrades to a version that renders none any more',
    frozen: [],
    run: (fleet: TestFleet) => upgradedByRelease(fleet, { tag: '2.0.0', minReadySeconds: null, strategy: null }),
  },
]

test.each(unrendered)('no pod goes, and the bounds are gone in the end, where helm $way', async ({ frozen, run }) => {
  const { fleet } = await frozenWithPin(...frozen)
  const before = uidsOf(await fleet.alive())
  const held = (await fleet.live()).spec
  await fleet.next({ from: '1.0.0', to: '2.0.0' })
  await fleet.gate({ kind: 'closed' })
  await run(fleet)
  await fleet.holds()
  expect(uidsOf(await fleet.alive())).toEqual(before)
  expect((await fleet.live()).spec).toEqual(held)
  fleet.execution = { ...fleet.execution, deployed: true }
  await fleet.admit(0, 3)
  await fleet.pin('target')
  await fleet.gate({ kind: 'none' })
  await fleet.pin(null)
  await fleet.reaches({ '2.0.0': 3 }, 3)
  const { spec, metadata } = await fleet.live()
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } }
  expect(spec).toMatchObject({ strategy, progressDeadlineSeconds: 600 })
  expect(spec).not.toHaveProperty('minReadySeconds')
  expect(Object.keys(metadata.annotations ?? {}).filter((name) => name.startsWith('flotilla.dev/'))).toEqual([])
  await helm(fleet, 'upgrade', 'demo', tools.folder(chart), '--set', 'tag=3.0.0')
  await fleet.reaches({ '3.0.0': 3 })
  expect((await fleet.live()).spec).toMatchObject({ minReadySeconds: 1, strategy: { rollingUpdate: { maxSurge: 1 } } })
})

test('bounds that another hand has set, and no version renders, are back in the end, and no upgrade takes them', async () => {
  const { fleet, folder } = await installed(...silent)
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2, maxUnavailable: 0 } }
  await fleet.touch({ minReadySeconds: 1, strategy })
  await leaveFrozen(fleet, folder, silent)
  await fleet.next({ from: '1.0.0', to: '2.0.0' })
  await fleet.gate({ kind: 'closed' })
  await upgradedByRelease(fleet, { tag: '2.0.0', minReadySeconds: null, strategy: null })
  fleet.execution = { ...fleet.execution, deployed: true }
  await fleet.admit(0, 3)
  await fleet.pin('target')
  await fleet.gate({ kind: 'none' })
  await fleet.pin(null)
  await fleet.reaches({ '2.0.0': 3 }, 3)
  expect((await fleet.live()).spec).toMatchObject({ minReadySeconds: 1, strategy })
  await helm(fleet, 'upgrade', 'demo', tools.folder(chart), '--set', 'tag=3.0.0', ...silent)
  await fleet.reaches({ '3.0.0': 3 })
  expect((await fleet.live()).spec).toMatchObject({ minReadySeconds: 1, strategy })
})

test('the bounds of a halted gate stay where helm goes back to a version that renders none', async () => {
  const { fleet, folder } = await installed(...silent)
  await fleet.gate({ kind: 'closed' })
  await helm(fleet, 'upgrade', 'demo', folder, '--set', 'tag=2.0.0')
  await fleet.admit(1)
  await fleet.reaches({ '1.0.0': 2, '2.0.0': 1 })
  await fleet.gate({ kind: 'halted' })
  const { minReadySeconds, strategy } = (await fleet.live()).spec ?? {}
  await byRelease(fleet, (helm, act, hold) => helm.rollback({ ...act, revision: 1 }, hold))
  await fleet.holds()
  expect((await fleet.live()).spec).toMatchObject({ minReadySeconds, strategy, paused: true })
  await fleet.gate({ kind: 'reverting', unavailable: 1, surge: 0 })
  await fleet.reaches({ '1.0.0': 3 }, 2)
  await fleet.gate({ kind: 'none' })
  const { spec } = await fleet.live()
  expect(spec).toMatchObject({ strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } } })
  expect(spec).not.toHaveProperty('minReadySeconds')
  await helm(fleet, 'upgrade', 'demo', folder, '--set', 'tag=2.0.0')
  await fleet.reaches({ '2.0.0': 3 })
})
