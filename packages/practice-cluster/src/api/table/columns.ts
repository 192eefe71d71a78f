import type { KubeObject } from '../../store/types.ts'
import { age, ageOf, countReady, ports, restarts, selectorText, waitingReason } from './cells.ts'

type Values = Readonly<Record<string, unknown>>
export type Cell = string | number | boolean
export type Column = {
  readonly name: string
  readonly type?: string
  /** 1 for columns that only `-o wide` shows. */
  readonly priority?: number
  readonly cell: (object: KubeObject) => Cell
}

const values = (value: unknown): Values => (value ?? {}) as Values
const spec = (object: KubeObject): Values => values(object.spec)
const status = (object: KubeObject): Values => values(object.status)
const count = (value: unknown): number => Number(value ?? 0)
const text = (value: unknown, otherwise = ''): string =>
  value === undefined || value === null ? otherwise : String(value)

const column = (name: string, type: string, cell: (object: KubeObject) => Cell, priority = 0): Column => ({
  name,
  type,
  cell,
  priority,
})

const name = column('Name', 'string', (object) => object.metadata.name)
const ageColumn = column('Age', 'string', ageOf)
const dataCount = column('Data', 'string', (object) => Object.keys(values(object.data)).length)

const podSpec = (object: KubeObject): Values => values(values(spec(object).template).spec)
const containers = (object: KubeObject): Values[] => (podSpec(object).containers ?? []) as Values[]
const workloadTail = [
  column(
    'Containers',
    'string',
    (object) =>
      containers(object)
        .map((each) => each.name)
        .join(','),
    1,
  ),
  column(
    'Images',
    'string',
    (object) =>
      containers(object)
        .map((each) => each.image)
        .join(','),
    1,
  ),
  column('Selector', 'string', (object) => selectorText(spec(object).selector), 1),
]

const deployment: readonly Column[] = [
  name,
  column('Ready', 'string', (o) => `${count(status(o).readyReplicas)}/${count(spec(o).replicas)}`),
  column('Up-to-date', 'integer', (o) => count(status(o).updatedReplicas)),
  column('Available', 'integer', (o) => count(status(o).availableReplicas)),
  ageColumn,
  ...workloadTail,
]

const pod: readonly Column[] = [
  name,
  column('Ready', 'string', countReady),
  column('Status', 'string', waitingReason),
  column('Restarts', 'string', restarts),
  ageColumn,
  column('IP', 'string', (o) => text(status(o).podIP, '<none>'), 1),
  column('Node', 'string', (o) => text(spec(o).nodeName, '<none>'), 1),
  column('Nominated Node', 'string', () => '<none>', 1),
  column('Readiness Gates', 'string', () => '<none>', 1),
]

const service: readonly Column[] = [
  name,
  column('Type', 'string', (o) => text(spec(o).type)),
  column('Cluster-IP', 'string', (o) => text(spec(o).clusterIP, '<none>')),
  column('External-IP', 'string', () => '<none>'),
  column('Port(s)', 'string', (o) => ports(spec(o).ports)),
  ageColumn,
  column('Selector', 'string', (o) => selectorText({ matchLabels: spec(o).selector }), 1),
]

const job: readonly Column[] = [
  name,
  column('Status', 'string', (o) => lastCondition(o)),
  column('Completions', 'string', (o) => `${count(status(o).succeeded)}/${count(spec(o).completions ?? 1)}`),
  column('Duration', 'string', (o) => age(status(o).startTime, status(o).completionTime)),
  ageColumn,
]

function lastCondition(object: KubeObject): string {
  const conditions = (status(object).conditions ?? []) as Values[]
  const held = conditions.filter((each) => each.status === 'True').map((each) => text(each.type))
  return held.find((each) => each === 'Complete' || each === 'Failed') ?? 'Running'
}

const namespacePhase = column('Status', 'string', (o) => text(status(o).phase))

/** The columns of each kind as kubectl prints them; a kind that is missing has its name and age. */
export const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  pods: pod,
  services: service,
  'deployments.apps': deployment,
  'statefulsets.apps': [
    name,
    column('Ready', 'string', (o) => `${count(status(o).readyReplicas)}/${count(spec(o).replicas)}`),
    ageColumn,
  ],
  'replicasets.apps': [
    name,
    column('Desired', 'integer', (o) => count(spec(o).replicas)),
    column('Current', 'integer', (o) => count(status(o).replicas)),
    column('Ready', 'integer', (o) => count(status(o).readyReplicas)),
    ageColumn,
    ...workloadTail,
  ],
  'daemonsets.apps': [
    name,
    column('Desired', 'integer', (o) => count(status(o).desiredNumberScheduled)),
    column('Current', 'integer', (o) => count(status(o).currentNumberScheduled)),
    column('Ready', 'integer', (o) => count(status(o).numberReady)),
    column('Up-to-date', 'integer', (o) => count(status(o).updatedNumberScheduled)),
    column('Available', 'integer', (o) => count(status(o).numberAvailable)),
    ageColumn,
  ],
  'jobs.batch': job,
  'cronjobs.batch': [
    name,
    column('Schedule', 'string', (o) => text(spec(o).schedule)),
    column('Suspend', 'boolean', (o) => spec(o).suspend === true),
    ageColumn,
  ],
  configmaps: [name, dataCount, ageColumn],
  secrets: [name, column('Type', 'string', (o) => text(o.type)), dataCount, ageColumn],
  namespaces: [name, namespacePhase, ageColumn],
  nodes: [
    name,
    column('Status', 'string', () => 'Ready (simulated)'),
    column('Version', 'string', (o) => text(values(status(o).nodeInfo).kubeletVersion)),
    ageColumn,
  ],
  persistentvolumeclaims: [
    name,
    namespacePhase,
    column('Volume', 'string', (o) => text(spec(o).volumeName)),
    column('StorageClass', 'string', (o) => text(spec(o).storageClassName)),
    ageColumn,
  ],
  events: [
    column('Last Seen', 'string', (o) => age(o.lastTimestamp)),
    column('Type', 'string', (o) => text(o.type)),
    column('Reason', 'string', (o) => text(o.reason)),
    column('Object', 'string', (o) => involved(values(o.involvedObject))),
    column('Message', 'string', (o) => text(o.message)),
  ],
}

const involved = (object: Values): string => `${text(object.kind).toLowerCase()}/${text(object.name)}`

/** The columns of a kind that has none of its own. */
export const PLAIN_COLUMNS: readonly Column[] = [name, ageColumn]
