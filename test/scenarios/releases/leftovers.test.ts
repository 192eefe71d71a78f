import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { resources } from '../../../src/infra/kubernetes/index.ts'
import { ok } from '../support/api.ts'
import { failure, type Release, type ReleaseHandle } from '../support/releases.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world.close())

const upgradeTo = (release: ReleaseHandle, valuesOverride: object) =>
  release.upgrade({ valuesOverride, valuesMode: 'replace' })

const named = ({ leftovers }: Release) => leftovers.map(({ kind, name, why }) => `${kind} ${name}: ${why}`).sort()

const unremoved = (revision: number) => `revision ${revision} made it, and none has removed it since`

test.concurrent('what a failed revision made and no later one names stays, and is named', async () => {
  const place = world.place()
  const release = await place.installed({ chartName: 'passing', valuesOverride: { maps: ['a'] } })
  const failing = { maps: ['a', 'b'], hook: { name: 'after', events: 'post-upgrade', tag: 'fail' } }
  failure(await upgradeTo(release, failing), 'hook_failed')
  ok(await upgradeTo(release, { maps: ['a', 'c'] }))
  const gone = ok(await release.uninstall())
  expect(gone.status).toBe('UNINSTALLED')
  expect(named(gone)).toEqual([`ConfigMap app-b: ${unremoved(2)}`, 'Job app-after: made by a hook'])
  expect(await world.cluster.config(place.namespace, 'app-b')).not.toBeNull()
})

test.concurrent('what a policy keeps of an earlier revision is named, and so are the hooks that were left', async () => {
  const place = world.place()
  const first = { maps: ['a'], kept: ['kept'], hook: { name: 'before', events: 'pre-install', tag: '1.0' } }
  const release = await place.installed({ chartName: 'passing', valuesOverride: first })
  ok(await upgradeTo(release, { maps: ['a'], hook: { name: 'newest', events: 'post-upgrade', tag: '1.0' } }))
  const gone = ok(await release.uninstall())
  const hooks = ['Job app-before: made by a hook', 'Job app-newest: made by a hook']
  expect(named(gone)).toEqual(['ConfigMap app-kept: kept by its resource policy', ...hooks])
  const jobs = await world.cluster.names(place.namespace, resources.jobs)
  expect([...jobs].sort()).toEqual(['app-before', 'app-newest'])
})

test.concurrent('what is not there any more, or is of somebody else meanwhile, is not named', async () => {
  const place = world.place()
  const hook = { name: 'before', events: 'pre-install', tag: '1.0' }
  const first = { maps: ['a', 'theirs'], kept: ['kept', 'deleted'], hook }
  const release = await place.installed({ chartName: 'passing', valuesOverride: first })
  ok(await upgradeTo(release, { maps: ['a'] }))
  const { client } = world.cluster
  const at = (name: string) => ({ namespace: place.namespace, name })
  await client.delete(resources.configMaps, at('app-deleted'))
  await client.delete(resources.configMaps, at('app-kept'))
  await client.delete(resources.jobs, at('app-before'))
  for (const name of ['app-theirs', 'app-kept']) {
    await client.create(resources.configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: at(name) })
  }
  expect(named(ok(await release.uninstall()))).toEqual([])
  expect(await world.cluster.config(place.namespace, 'app-kept')).not.toBeNull()
})

test.concurrent('what a revision names that cannot be read is told as not looked for', async () => {
  const release = await world.place().installed({ chartName: 'passing', valuesOverride: { maps: ['a'] } })
  const chart = join(world.charts, 'passing', '1.1.0')
  const many = '{{ range until 1200 }}, k{{ . }}: *a{{ end }}'
  const metadata = 'metadata: { name: {{ .Release.Name }}-many }'
  const template = `apiVersion: v1\nkind: ConfigMap\n${metadata}\ndata: { a: &a "x"${many} }\n`
  await writeFile(join(chart, 'templates', 'many.yaml'), template)
  await world.hand.helm('upgrade', release.name, chart, '--namespace', release.namespace)
  await release.until('is followed', ({ revision, status }) => revision === 2 && status === 'DEPLOYED')
  ok(await release.upgrade({ chartVersion: '1.2.0', valuesOverride: { maps: ['b'] } }))
  const gone = ok(await release.uninstall())
  expect(gone.status).toBe('UNINSTALLED')
  const why = 'revision 2 cannot be read in full: what it has left was not looked for'
  expect(gone.leftovers).toEqual([{ kind: 'Release', name: 'app', why }])
})
