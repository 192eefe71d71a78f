/** What happens to nodes and pods by themselves, in the terms of kwok: the same words and annotations as in the practice cluster. */

const PREFIX = 'practice.flotilla.dev'
const annotation = (name: string): string => `.metadata.annotations["${PREFIX}/${name}"]`

/** The class of claims that name none. */
export const storageClass = 'testbed'

type Operator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
type Requirement = { readonly key: string; readonly operator: Operator; readonly values?: readonly string[] }

const isIn = (key: string, ...values: readonly string[]): Requirement => ({ key, operator: 'In', values })
const isNotIn = (key: string, ...values: readonly string[]): Requirement => ({ key, operator: 'NotIn', values })

const phase = '.status.phase'
const readiness = '.status.conditions[]? | select(.type == "Ready") | .status'
const waiting = '.status.containerStatuses[]?.state.waiting.reason'
const alive: Requirement = { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' }
const runsToEnd = isIn('.spec.restartPolicy', 'Never', 'OnFailure')
const serves = isIn('.spec.restartPolicy', 'Always')

/** The tags of the images, where words ask for faults when the annotation does not. */
const tags = '[.spec.containers[].image | split("/") | last | split(":")[1:] | join(":")] | join(" ")'
const words = [
  ['imagepull', 'imagepull'],
  ['never-ready|unready', 'never-ready'],
  ['crash|fail', 'crash'],
  ['slow', 'slow'],
] as const
const fault = `((${annotation('fault')} // (${tags})) | ascii_downcase) as $asked | ${words
  .map(([word, name]) => `if ($asked | test("${word}")) then "${name}" else`)
  .join(' ')} "none" ${words.map(() => 'end').join(' ')}`

/** A time that an annotation gives in milliseconds. */
const ms = (name: string, fallback: string): string => `((${annotation(name)} // ${fallback}) + "ms")`

/** What a pod takes to stop; at the end of its grace period a kubelet kills it. */
const STOP_MS = `([(${annotation('terminate-ms')} // "100" | tonumber), .metadata.deletionGracePeriodSeconds * 1000] | min | tostring + "ms")`

const READY_MS = `(if (${fault}) == "slow" then "20000" else "100" end)`

type Next = { readonly statusTemplate: string } | { readonly delete: true } | { readonly steps: readonly object[] }

function stage(name: string, kind: string, matches: readonly Requirement[], next: Next, delay?: object) {
  return {
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind: 'Stage',
    metadata: { name },
    spec: {
      resourceRef: { apiGroup: 'v1', kind },
      selector: { matchExpressions: matches },
      ...('steps' in next ? next : { next }),
      ...(delay === undefined ? {} : { delay }),
    },
  }
}

const after = (expressionFrom: string) => ({ durationFrom: { expressionFrom } })

const condition = (type: string, status: 'True' | 'False', reason = '') =>
  `- {type: ${type}, status: "${status}", reason: "${reason}", lastTransitionTime: {{ Now | Quote }}}`

/** The conditions of a pod that has started. */
const started = (ready: 'True' | 'False', reason = '') =>
  ['conditions:', condition('Initialized', 'True')]
    .concat(condition('Ready', ready, reason), condition('ContainersReady', ready, reason))
    .join('\n')

/** The status of every container, in one state; `state` is YAML in one line. */
const containers = (state: string, more = 'ready: false, started: false, restartCount: 0') => `
containerStatuses:
{{ range .spec.containers }}
- {name: {{ .name | Quote }}, image: {{ .image | Quote }}, imageID: "", ${more}, state: ${state}}
{{ end }}`

const initContainers = `
{{ with .spec.initContainers }}
initContainerStatuses:
{{ range . }}
- {name: {{ .name | Quote }}, image: {{ .image | Quote }}, imageID: "", ready: true, restartCount: 0, state: {terminated: {exitCode: 0, reason: Completed, startedAt: {{ Now | Quote }}, finishedAt: {{ Now | Quote }}}}}
{{ end }}
{{ end }}`

const addresses = `
{{ with NodeIPsWith .spec.nodeName }}
hostIP: {{ index . 0 | Quote }}
hostIPs: [{ip: {{ index . 0 | Quote }}}]
{{ end }}
{{ with PodIPsWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) }}
podIP: {{ index . 0 | Quote }}
podIPs: [{ip: {{ index . 0 | Quote }}}]
{{ end }}
startTime: {{ Now | Quote }}`

const RUNNING = '{running: {startedAt: {{ Now | Quote }}}}'
const terminated = (code: number, reason: string) =>
  `{terminated: {exitCode: ${code}, reason: ${reason}, startedAt: {{ Now | Quote }}, finishedAt: {{ Now | Quote }}}}`
const notPulled = '{waiting: {reason: ImagePullBackOff, message: "the image is not found (testbed)"}}'
const crashed = '{waiting: {reason: CrashLoopBackOff, message: "back-off restarting failed container (testbed)"}}'
const crashing = `ready: false, started: false, restartCount: 3, lastState: ${terminated(1, 'Error')}`
const unready = started('False', 'ContainersNotReady')

const pods = [
  stage(
    'pod-image-missing',
    'Pod',
    [alive, isIn(phase, 'Pending'), isIn(fault, 'imagepull'), isNotIn(waiting, 'ImagePullBackOff')],
    {
      statusTemplate: `${unready}${containers(notPulled)}${addresses}`,
    },
  ),
  stage('pod-start', 'Pod', [alive, isIn(phase, 'Pending'), isNotIn(fault, 'imagepull')], {
    statusTemplate: `phase: Running\n${unready}${initContainers}${containers(RUNNING, 'ready: false, started: true, restartCount: 0')}${addresses}`,
  }),
  stage(
    'pod-ready',
    'Pod',
    [alive, isIn(phase, 'Running'), isNotIn(readiness, 'True'), isIn(fault, 'none', 'slow')],
    {
      statusTemplate: `${started('True')}${containers(RUNNING, 'ready: true, started: true, restartCount: 0')}`,
    },
    after(ms('ready-after-ms', READY_MS)),
  ),
  stage('pod-unready', 'Pod', [alive, isIn(phase, 'Running'), isIn(readiness, 'True'), isIn(fault, 'never-ready')], {
    statusTemplate: `${unready}${containers(RUNNING, 'ready: false, started: true, restartCount: 0')}`,
  }),
  stage(
    'pod-crash',
    'Pod',
    [alive, serves, isIn(phase, 'Running'), isIn(fault, 'crash'), isNotIn(waiting, 'CrashLoopBackOff')],
    {
      statusTemplate: `${unready}${containers(crashed, crashing)}`,
    },
  ),
  stage(
    'pod-fail',
    'Pod',
    [alive, runsToEnd, isIn(phase, 'Running'), isIn(fault, 'crash')],
    { statusTemplate: `phase: Failed\n${unready}${containers(terminated(1, 'Error'))}` },
    after(ms('run-ms', '"100"')),
  ),
  stage(
    'pod-complete',
    'Pod',
    [alive, runsToEnd, isIn(phase, 'Running'), isIn(readiness, 'True'), isIn(fault, 'none', 'slow')],
    {
      statusTemplate: `phase: Succeeded\n${started('False', 'PodCompleted')}${containers(terminated(0, 'Completed'))}`,
    },
    after(ms('run-ms', '"100"')),
  ),
  stage(
    'pod-delete',
    'Pod',
    [{ key: '.metadata.deletionTimestamp', operator: 'Exists' }],
    { delete: true },
    after(STOP_MS),
  ),
]

/** A volume for a claim of the default class; the controller of real volumes binds the two. */
const volume = `
apiVersion: v1
kind: PersistentVolume
metadata:
  name: pvc-{{ .metadata.uid }}
spec:
  accessModes: {{ YAML .spec.accessModes 1 }}
  capacity: {{ YAML .spec.resources.requests 2 }}
  persistentVolumeReclaimPolicy: Retain
  storageClassName: {{ .spec.storageClassName | Quote }}
  claimRef: {apiVersion: v1, kind: PersistentVolumeClaim, name: {{ .metadata.name | Quote }}, namespace: {{ .metadata.namespace | Quote }}, uid: {{ .metadata.uid | Quote }}}
  hostPath: {path: /nowhere}`

const volumes = [
  stage(
    'claim-provision',
    'PersistentVolumeClaim',
    [alive, isIn('.spec.storageClassName', storageClass), { key: '.spec.volumeName', operator: 'DoesNotExist' }],
    { steps: [{ apply: { template: volume } }] },
  ),
]

const nodeConditions = `
conditions:
{{ range NodeConditions }}
- {type: {{ .type | Quote }}, status: {{ .status | Quote }}, reason: {{ .reason | Quote }}, message: {{ .message | Quote }}, lastHeartbeatTime: {{ Now | Quote }}, lastTransitionTime: {{ Now | Quote }}}
{{ end }}`

const room = (field: string) => `
${field}:
{{ with .status.${field} }}
{{ YAML . 1 }}
{{ else }}
{{ with .status.capacity }}
{{ YAML . 1 }}
{{ else }}
  cpu: "64"
  memory: 256Gi
  pods: "2000"
  ephemeral-storage: 1Ti
{{ end }}
{{ end }}`

const nodeStatus = `${nodeConditions}
addresses:
- {type: InternalIP, address: {{ NodeIP | Quote }}}
- {type: Hostname, address: {{ NodeName | Quote }}}
${room('allocatable')}
${room('capacity')}
nodeInfo: {architecture: amd64, operatingSystem: linux, kubeletVersion: {{ printf "kwok-%s" Version | Quote }}, osImage: "", kernelVersion: "", containerRuntimeVersion: "", kubeProxyVersion: "", machineID: "", systemUUID: "", bootID: ""}
phase: Running`

const nodes = [
  stage('node-initialize', 'Node', [isNotIn(readiness, 'True')], { statusTemplate: nodeStatus }),
  stage(
    'node-heartbeat',
    'Node',
    [isIn(readiness, 'True')],
    { statusTemplate: nodeConditions },
    { durationMilliseconds: 600_000, jitterDurationMilliseconds: 610_000 },
  ),
]

/** The documents of kwok's configuration: JSON, which is YAML too. */
export const stagesText = (): string =>
  [...nodes, ...pods, ...volumes].map((each) => JSON.stringify(each)).join('\n---\n')
