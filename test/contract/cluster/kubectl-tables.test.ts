import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClusterUnderTest, freshNamespace, startCluster } from './support/cluster.ts'
import { kubectlIn, Tools } from './support/tools.ts'

let cluster: ClusterUnderTest
let tools: Tools
let namespace: string
let kubectl: ReturnType<typeof kubectlIn>
beforeAll(async () => {
  cluster = await startCluster()
  tools = new Tools(cluster.kubeconfig)
  namespace = await freshNamespace(cluster)
  kubectl = kubectlIn(tools, namespace)
  await kubectl('apply', '-f', tools.folder({ 'all.yaml': OBJECTS }))
})
afterAll(async () => {
  tools.remove()
  await cluster.stop()
})

const OBJECTS = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}, {name: tls, port: 443}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: nginx
  tls: [{hosts: [a.example]}]
  rules:
    - host: a.example
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 5}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {matchLabels: {app: web}, matchExpressions: [{key: tier, operator: In, values: [a, b]}]}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: web}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, storageClassName: none-of-these}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: web}
spec:
  schedule: "0 0 1 1 *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: one, image: "one:1"}]}}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: web}
spec:
  selector: {matchLabels: {app: daemon}}
  template:
    metadata: {labels: {app: daemon}}
    spec: {nodeSelector: {pool: none}, containers: [{name: one, image: "one:1"}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}
subjects: [{kind: ServiceAccount, name: web, namespace: other}, {kind: User, apiGroup: rbac.authorization.k8s.io, name: me}]
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: web}
spec: {holderIdentity: somebody}
`

const AGE = '[0-9ms]+'

/** Headings and cells of one line, with two spaces or more between them; how long something is there is let open. */
async function expectTable(args: readonly string[], headings: string, cells: string): Promise<void> {
  const pattern = (line: string) => line.split(/ {2,}/).join(' +')
  const text = await kubectl('get', ...args)
  expect(text).toMatch(new RegExp(`^${pattern(headings)} *\n${pattern(cells)} *\n$`))
}

describe('kubectl get', () => {
  it.each([
    ['ing', 'NAME  CLASS  HOSTS  ADDRESS  PORTS  AGE', `web  nginx  a\\.example  80, 443  ${AGE}`],
    [
      'hpa',
      'NAME  REFERENCE  TARGETS  MINPODS  MAXPODS  REPLICAS  AGE',
      `web  Deployment/web  cpu: <unknown>/80%  1  5  0  ${AGE}`,
    ],
    ['pdb', 'NAME  MIN AVAILABLE  MAX UNAVAILABLE  ALLOWED DISRUPTIONS  AGE', `web  1  N/A  0  ${AGE}`],
    ['netpol', 'NAME  POD-SELECTOR  AGE', `web  app=web,tier in \\(a,b\\)  ${AGE}`],
    [
      'pvc',
      'NAME  STATUS  VOLUME  CAPACITY  ACCESS MODES  STORAGECLASS  VOLUMEATTRIBUTESCLASS  AGE',
      `web  (?:Pending|Bound .*)  none-of-these  <unset>  ${AGE}`,
    ],
    [
      'cj',
      'NAME  SCHEDULE  TIMEZONE  SUSPEND  ACTIVE  LAST SCHEDULE  AGE',
      `web  0 0 1 1 \\*  <none>  False  0  <none>  ${AGE}`,
    ],
    [
      'ds',
      'NAME  DESIRED  CURRENT  READY  UP-TO-DATE  AVAILABLE  NODE SELECTOR  AGE',
      `web  0  0  0  0  0  pool=none  ${AGE}`,
    ],
    ['role', 'NAME  CREATED AT', 'web  \\d{4}-\\d\\d-\\d\\dT\\S+Z'],
    ['rolebinding', 'NAME  ROLE  AGE', `web  Role/web  ${AGE}`],
    ['lease', 'NAME  HOLDER  AGE', `web  somebody  ${AGE}`],
  ])('%s', async (kind, headings, cells) => {
    await expectTable([kind, 'web'], headings, cells)
  })

  it('shows more when it is wanted', async () => {
    await expectTable(
      ['rolebinding', 'web', '-o', 'wide'],
      'NAME  ROLE  AGE  USERS  GROUPS  SERVICEACCOUNTS',
      `web  Role/web  ${AGE}  me  other/web`,
    )
    await expectTable(
      ['svc', 'web', '-o', 'wide'],
      'NAME  TYPE  CLUSTER-IP  EXTERNAL-IP  PORT\\(S\\)  AGE  SELECTOR',
      `web  ClusterIP  \\S+  <none>  80/TCP,443/TCP  ${AGE}  app=web`,
    )
  })

  it('shows endpoints, and that there are none', async () => {
    const subsets = [
      {
        addresses: ['1', '2'].map((each) => ({ ip: `10.1.1.${each}` })),
        ports: [80, 81].map((port) => ({ name: `p${port}`, port })),
      },
    ]
    await kubectl(
      'create',
      '-f',
      tools.file({ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'own' }, subsets }),
    )
    const { stdout } = await kubectl.raw('get', 'ep', 'own')
    expect(stdout).toMatch(/^own +10\.1\.1\.1:80,10\.1\.1\.2:80,10\.1\.1\.1:81 \+ 1 more\.\.\. +\d+s$/m)
  })

  it('sorts, selects, labels and draws columns of its own', async () => {
    for (const name of ['b', 'a', 'c']) await kubectl('create', 'configmap', name, `--from-literal=size=${name}`)
    await kubectl('label', 'cm', 'a', 'c', 'pick=yes')
    const names = ['-o', 'custom-columns=N:.metadata.name,S:.data.size', '--no-headers']
    expect(await kubectl('get', 'cm', '-l', 'pick=yes', '--sort-by=.data.size', ...names)).toMatch(/^a +a\nc +c\n$/)
    expect(await kubectl('get', 'cm', '-l', 'pick', '-L', 'pick', '--no-headers')).toMatch(/^a +1 +\d+s +yes\nc /)
    expect(await kubectl('get', 'cm', '--field-selector=metadata.name=b', '-o', 'name')).toBe('configmap/b\n')
    expect(await kubectl('get', 'cm', 'a', '--show-labels')).toMatch(/LABELS\na +1 +\d+s +pick=yes\n$/)
    expect(await kubectl('get', 'cm', '-l', 'pick=yes', '--chunk-size=1', '--no-headers')).toMatch(/^a .*\nc .*\n$/)
  })
})

describe('kubectl changes', () => {
  it('a label that is there only when it is told to, and takes it away', async () => {
    await kubectl('create', 'configmap', 'marked')
    expect(await kubectl('label', 'cm', 'marked', 'a=b')).toContain('labeled')
    expect(await kubectl.refused('label', 'cm', 'marked', 'a=c')).toContain('--overwrite is false')
    expect(await kubectl('label', 'cm', 'marked', 'a=c', '--overwrite')).toContain('labeled')
    expect(await kubectl('label', 'cm', 'marked', 'a-')).toContain('unlabeled')
  })

  it('by each kind of patch, and says when nothing changes', async () => {
    await kubectl('create', 'configmap', 'patched', '--from-literal=a=1')
    const patch = (type: string, body: unknown) =>
      kubectl('patch', 'cm', 'patched', `--type=${type}`, '-p', JSON.stringify(body))
    expect(await patch('merge', { data: { b: '2' } })).toBe('configmap/patched patched\n')
    expect(await patch('merge', { data: { b: '2' } })).toBe('configmap/patched patched (no change)\n')
    await patch('strategic', { data: { a: null } })
    await patch('json', [{ op: 'add', path: '/data/c', value: '3' }])
    expect(JSON.parse(await kubectl('get', 'cm', 'patched', '-o', 'jsonpath={.data}'))).toEqual({ b: '2', c: '3' })
  })

  it('by replacing, and not at all when it only rehearses', async () => {
    await kubectl('create', 'configmap', 'rehearsed', '--from-literal=a=1')
    const next = tools.file({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'rehearsed' }, data: { a: '2' } })
    expect(await kubectl('replace', '--dry-run=server', '-f', next)).toContain('replaced (server dry run)')
    expect(await kubectl('get', 'cm', 'rehearsed', '-o', 'jsonpath={.data.a}')).toBe('1')
    expect(await kubectl('replace', '-f', next)).toContain('replaced')
    expect(await kubectl('get', 'cm', 'rehearsed', '-o', 'jsonpath={.data.a}')).toBe('2')
  })

  it('by deleting: one, those of a label, what is not there, and what waits for somebody', async () => {
    for (const name of ['gone-1', 'gone-2']) await kubectl('create', 'configmap', name)
    await kubectl('label', 'cm', 'gone-1', 'gone-2', 'going=yes')
    const deleted = await kubectl('delete', 'cm', '-l', 'going=yes')
    expect(deleted.match(/^configmap "gone-\d" deleted/gm)).toHaveLength(2)
    expect(await kubectl.refused('delete', 'cm', 'gone-1')).toContain('NotFound')
    expect(await kubectl('delete', 'cm', 'gone-1', '--ignore-not-found')).toBe('')
    const metadata = { name: 'held', finalizers: ['contract.example/f'] }
    await kubectl('create', '-f', tools.file({ apiVersion: 'v1', kind: 'ConfigMap', metadata }))
    expect(await kubectl('delete', 'cm', 'held', '--wait=false')).toContain('deleted')
    expect(await kubectl.refused('wait', 'cm/held', '--for=delete', '--timeout=1s')).toContain('timed out')
    await kubectl('patch', 'cm', 'held', '--type=merge', '-p', '{"metadata":{"finalizers":null}}')
    expect(await kubectl('wait', 'cm/held', '--for=delete', '--timeout=30s')).not.toContain('timed out')
  })
})
