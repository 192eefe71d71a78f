import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../core/json.ts'
import { renderedObjects } from '../rendered.ts'
import { whyNotSwitched } from './beside.ts'
import type { Service } from './select.ts'

const service = (name: string, selector: JsonObject): JsonObject => ({
  ...{ apiVersion: 'v1', kind: 'Service', metadata: { name } },
  spec: { selector },
})
const app = service('app', { app: 'a' })
const byVersion = (name: string, version: string) => service(name, { app: 'a', version })
const old = { app: 'a', version: '1', 'pod-template-hash': 'one' }
const template = { app: 'a', version: '2' }

type Given = {
  readonly deployed?: readonly JsonObject[]
  readonly wanted?: readonly JsonObject[]
  /** Services of other hands. */
  readonly others?: readonly JsonObject[]
  readonly pods?: readonly Readonly<Record<string, string>>[]
}
function why({ deployed = [app], wanted = [app], others = [], pods = [old] }: Given): string | null {
  const [before, after] = [renderedObjects(deployed), renderedObjects(wanted)]
  const present = [...deployed, ...others] as unknown as readonly Service[]
  return whyNotSwitched({ present, deployed: before, wanted: after, pods, template })
}

describe('traffic can be switched', () => {
  test.each<[string, Given]>([
    ['where a Service selects both versions', {}],
    ['where it is pinned', { deployed: [service('app', { app: 'a', 'pod-template-hash': 'one' })] }],
    ['where one of several Services goes', { deployed: [app, service('second', { app: 'a' })] }],
    ['where another Service has nothing to do with the pods', { others: [service('other', { app: 'b' })] }],
    ['where a pod has lost its label by hand', { pods: [old, { ...old, app: 'out' }] }],
  ])('%s', (_, given) => {
    expect(why(given)).toBeNull()
  })

  test.each<[string, Given, string]>([
    ['where no Service is left', { wanted: [] }, 'no Service'],
    ['where the new selector leaves the old pods out', { wanted: [byVersion('app', '2')] }, 'Service app'],
    ['where a new Service does', { wanted: [app, byVersion('second', '2')] }, 'Service second'],
    ['where one of another hand leaves the new pods out', { others: [byVersion('theirs', '1')] }, 'Service theirs'],
    ['where a third version runs that is left out', { pods: [old, { app: 'b', 'pod-template-hash': 'x' }] }, 'app'],
  ])('but not %s', (_, given, reason) => {
    expect(why(given)).toContain(reason)
  })
})
