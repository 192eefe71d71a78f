import type { KubeObject } from '../../store/types.ts'
import { age, countReady, labelText, restarts, selectorText, waitingReason } from './cells.ts'
import {
  ageColumn,
  type Column,
  column,
  containerColumns,
  count,
  integer,
  list,
  nameColumn,
  selectorColumn,
  spec,
  status,
  string,
  text,
  values,
  wide,
} from './column.ts'

const readyOfAll = string('Ready', (o) => `${count(status(o).readyReplicas)}/${count(spec(o).replicas)}`)
const workloadTail = [...containerColumns(1), selectorColumn]

const pods: readonly Column[] = [
  nameColumn,
  string('Ready', countReady),
  string('Status', waitingReason),
  string('Restarts', restarts),
  ageColumn,
  wide('IP', (o) => text(status(o).podIP, '<none>')),
  wide('Node', (o) => text(spec(o).nodeName, '<none>')),
  wide('Nominated Node', (o) => text(status(o).nominatedNodeName, '<none>')),
  wide('Readiness Gates', readinessGates),
]

function readinessGates(pod: KubeObject): string {
  const gates = list(spec(pod).readinessGates)
  const held = new Set(
    list(status(pod).conditions)
      .filter((each) => each.status === 'True')
      .map((each) => each.type),
  )
  return gates.length === 0
    ? '<none>'
    : `${gates.filter((each) => held.has(each.conditionType)).length}/${gates.length}`
}

const deployments: readonly Column[] = [
  nameColumn,
  readyOfAll,
  integer('Up-to-date', (o) => count(status(o).updatedReplicas)),
  integer('Available', (o) => count(status(o).availableReplicas)),
  ageColumn,
  ...workloadTail,
]

const replicas: readonly Column[] = [
  nameColumn,
  integer('Desired', (o) => count(spec(o).replicas)),
  integer('Current', (o) => count(status(o).replicas)),
  integer('Ready', (o) => count(status(o).readyReplicas)),
  ageColumn,
]

const daemonSets: readonly Column[] = [
  nameColumn,
  integer('Desired', (o) => count(status(o).desiredNumberScheduled)),
  integer('Current', (o) => count(status(o).currentNumberScheduled)),
  integer('Ready', (o) => count(status(o).numberReady)),
  integer('Up-to-date', (o) => count(status(o).updatedNumberScheduled)),
  integer('Available', (o) => count(status(o).numberAvailable)),
  string('Node Selector', (o) => labelText(values(values(spec(o).template).spec).nodeSelector)),
  ageColumn,
  ...workloadTail,
]

const jobs: readonly Column[] = [
  nameColumn,
  string('Status', jobStatus),
  string('Completions', completions),
  string('Duration', (o) =>
    status(o).startTime === undefined ? '' : age(status(o).startTime, status(o).completionTime),
  ),
  ageColumn,
  ...workloadTail,
]

function completions(job: KubeObject): string {
  const { completions: wanted, parallelism } = spec(job)
  const done = count(status(job).succeeded)
  if (wanted !== undefined) return `${done}/${wanted}`
  return count(parallelism) > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`
}

function jobStatus(job: KubeObject): string {
  const conditions = list(status(job).conditions)
  const held = new Set(conditions.filter((each) => each.status === 'True').map((each) => each.type))
  if (held.has('Complete')) return 'Complete'
  if (held.has('Failed')) return 'Failed'
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating'
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find((each) => held.has(each)) ?? 'Running'
}

const jobTemplate = (object: KubeObject) => values(values(spec(object).jobTemplate).spec)

const cronJobs: readonly Column[] = [
  nameColumn,
  string('Schedule', (o) => text(spec(o).schedule)),
  string('Timezone', (o) => text(spec(o).timeZone, '<none>')),
  column('Suspend', 'boolean', (o) => (spec(o).suspend === true ? 'True' : 'False')),
  integer('Active', (o) => list(status(o).active).length),
  string('Last Schedule', (o) =>
    status(o).lastScheduleTime === undefined ? '<none>' : age(status(o).lastScheduleTime),
  ),
  ageColumn,
  ...containerColumns(1, (o) => jobTemplate(o).template),
  wide('Selector', (o) => selectorText(jobTemplate(o).selector)),
]

const controllerRevisions: readonly Column[] = [
  nameColumn,
  string('Controller', controllerOf),
  integer('Revision', (o) => count(o.revision)),
  ageColumn,
]

/** `statefulset.apps/db` */
function controllerOf({ metadata }: KubeObject): string {
  const owner = metadata.ownerReferences?.find((each) => each.controller === true)
  if (owner === undefined) return '<none>'
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : ''
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`
}

/** The columns of the kinds that run pods. */
export const WORKLOADS: Readonly<Record<string, readonly Column[]>> = {
  pods,
  podtemplates: [
    nameColumn,
    ...containerColumns(0, (o) => o.template),
    string('Pod Labels', (o) => labelText(values(values(o.template).metadata).labels)),
  ],
  replicationcontrollers: [...replicas, ...containerColumns(1), wide('Selector', (o) => labelText(spec(o).selector))],
  'deployments.apps': deployments,
  'replicasets.apps': [...replicas, ...workloadTail],
  'statefulsets.apps': [nameColumn, readyOfAll, ageColumn, ...containerColumns(1)],
  'daemonsets.apps': daemonSets,
  'controllerrevisions.apps': controllerRevisions,
  'jobs.batch': jobs,
  'cronjobs.batch': cronJobs,
}
