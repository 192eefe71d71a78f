import type { Held } from '../cluster-reader.ts'
import type { ReleaseRow } from '../database-reader.ts'

/** What the sample charts leave to the API server, which fills it in like this. Other numbers are of a gate's making. */
const untouched = {
  paused: [undefined, false],
  minReadySeconds: [undefined, 0],
  progressDeadlineSeconds: [undefined, 600],
} as const

/** What is not frozen has its own fields back, and nothing tells of a gate any more. */
export function proveUngated(objects: readonly Held[], releases: readonly ReleaseRow[]): readonly string[] {
  const frozen = new Set(releases.flatMap(({ frozen, namespace, name }) => (frozen ? `${namespace}/${name}` : [])))
  return objects
    .filter(({ namespace, name }) => !frozen.has(`${namespace}/${name}`))
    .flatMap((object) => leftOn(object).map((what) => `${object.kind} ${object.namespace}/${object.name} ${what}`))
}

function leftOn({ kind, annotations, managers, spec }: Held): readonly string[] {
  return [
    ...('flotilla.dev/gate' in annotations ? ['still has the note of a gate'] : []),
    ...(managers.includes('flotilla-gate') ? ['has fields that belong to flotilla-gate'] : []),
    ...(kind === 'Service' ? pinOf(spec) : [...numbersOf(spec), ...strategyOf(kind, spec)]),
  ]
}

function pinOf({ selector }: Held['spec']): readonly string[] {
  return Object.keys(selector ?? {}).includes('pod-template-hash') ? ['is still pinned'] : []
}

function numbersOf(spec: Held['spec']): readonly string[] {
  return Object.entries(untouched)
    .filter(([field, fine]) => !fine.some((value) => value === spec[field]))
    .map(([field]) => `has ${field} ${JSON.stringify(spec[field])}`)
}

/** What the API server makes of a workload whose chart says nothing. */
const ownStrategy: Readonly<Record<string, RegExp>> = {
  Deployment: /"25%".*"25%"/,
  StatefulSet: /^\{"type":"RollingUpdate"(,"rollingUpdate":\{("partition":0)?\})?\}$/,
  DaemonSet: /^\{"type":"RollingUpdate"|"type":"RollingUpdate"\}$/,
}

function strategyOf(kind: string, { strategy, updateStrategy }: Held['spec']): readonly string[] {
  const text = JSON.stringify(kind === 'Deployment' ? strategy : updateStrategy) ?? ''
  return text === '' || ownStrategy[kind]?.test(text) ? [] : [`has the strategy ${text}`]
}
