import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PracticeCluster, startPracticeClusterProcess } from '@flotilla/practice-cluster'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { take } from './support/client.ts'
import { clientOf } from './support/cluster.ts'
import { configMap, paths } from './support/objects.ts'
import { eventually } from './support/wait.ts'

/** What only the practice cluster promises: it can be killed at any moment and started again. */
describe.skipIf(process.env.CONTRACT_KUBECONFIG !== undefined)('the practice cluster as a process', () => {
  const at = paths('default').configmaps
  let data: string
  let running: PracticeCluster[]

  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'practice-'))
    running = []
  })
  afterEach(async () => {
    await Promise.all(running.map((each) => each.kill()))
    rmSync(data, { recursive: true, force: true })
  })

  async function start(): Promise<PracticeCluster> {
    const cluster = await startPracticeClusterProcess({ data })
    running.push(cluster)
    return cluster
  }

  it('loses nothing that it answered when it is killed', async () => {
    const first = await start()
    const client = clientOf(first.kubeconfig)
    const answered: string[] = []
    const writing = (async () => {
      for (let i = 0; i < 500; i += 1) {
        const { status } = await client.post(at, configMap(`c${i}`))
        if (status === 201) answered.push(`c${i}`)
        if (answered.length === 100) void first.kill()
      }
    })()
    await expect(writing).rejects.toThrow()
    const second = await start()
    expect([second.port, second.kubeconfig]).toEqual([first.port, first.kubeconfig])
    const { body } = await clientOf(second.kubeconfig).get(at)
    const found = body.items.map((item) => item.metadata.name)
    expect(found).toEqual(expect.arrayContaining(answered))
  })

  it('goes on counting versions, and sends watches of before back to a list', async () => {
    const first = await start()
    const client = clientOf(first.kubeconfig)
    const { body: old } = await client.post(at, configMap('before'))
    await client.post(at, configMap('newer'))
    await first.stop()
    const second = await start()
    const { body: list } = await clientOf(second.kubeconfig).get(at)
    expect(Number(list.metadata.resourceVersion)).toBeGreaterThan(Number(old.metadata.resourceVersion))
    const path = `${at}?watch=1&resourceVersion=${old.metadata.resourceVersion}`
    const [event] = await take(clientOf(second.kubeconfig).watch(path), 1)
    expect(event).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })
  })

  it('knows custom kinds and their objects after a restart', async () => {
    const first = await start()
    const client = clientOf(first.kubeconfig)
    const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }
    const names = { plural: 'things', kind: 'Thing' }
    await client.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'things.example.com' },
      spec: { group: 'example.com', scope: 'Cluster', names, versions: [version] },
    })
    const thing = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'one' } }
    expect((await client.post('/apis/example.com/v1/things', thing)).status).toBe(201)
    await first.kill()
    const second = await start()
    const { body } = await clientOf(second.kubeconfig).get('/apis/example.com/v1/things/one')
    expect(body).toMatchObject(thing)
  })

  it('keeps its secrets to its owner', async () => {
    const { kubeconfig } = await start()
    for (const file of [kubeconfig, join(data, 'identity.json'), join(data, 'objects.db')]) {
      expect([file, statSync(file).mode & 0o077]).toEqual([file, 0])
    }
  })

  it('lets one process serve a folder', async () => {
    const first = await start()
    await expect(startPracticeClusterProcess({ data })).rejects.toThrow(`is in use by process ${first.pid}`)
  })

  it('ends in order while a watch is open', async () => {
    const first = await start()
    const events = clientOf(first.kubeconfig).watch(`${at}?watch=1`)
    await events.next()
    await first.stop()
    expect(await first.exited).toBe(0)
    await events.return(undefined).catch(() => undefined)
  })

  it('tells why it does not start, also where its lines are listened to', async () => {
    const file = join(data, 'file')
    writeFileSync(file, '')
    const heard: string[] = []
    const start = startPracticeClusterProcess({ data: file, onLog: (line) => heard.push(line) })
    await expect(start).rejects.toThrow(/^the practice cluster in .*file did not start: EEXIST: .*$/)
    expect(heard).toEqual([expect.stringContaining('EEXIST')])
  })

  it('stops when the process that started it is killed', async () => {
    const script = `import { startPracticeClusterProcess } from '@flotilla/practice-cluster'
      console.log((await startPracticeClusterProcess({ data: process.argv[1] })).pid)`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script, data], { cwd: import.meta.dirname })
    const [pid] = (await once(parent.stdout, 'data')) as [Buffer]
    parent.kill('SIGKILL')
    await eventually(async () => expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH'))
  })

  it('leads a process group, which a Ctrl-C in the terminal of its parent does not reach', async () => {
    const { pid } = await start()
    expect(() => process.kill(-pid, 0)).not.toThrow()
  })

  it('says that it is simulated', async () => {
    const { kubeconfig } = await start()
    const client = clientOf(kubeconfig)
    expect((await client.get('/version')).body.gitVersion).toBe('v1.35.4+practice')
    const { body } = await client.get('/api/v1/nodes')
    expect(body.items.length).toBeGreaterThan(0)
    for (const node of body.items) expect(node.metadata.name).toContain('simulated')
  })

  it('disturbs requests when a test asks for it', async () => {
    const { kubeconfig } = await start()
    const client = clientOf(kubeconfig)
    const fault = { kind: 'status', code: 429, method: 'POST', path: '/configmaps', times: 1 }
    expect((await client.post('/practice/faults', fault)).status).toBe(200)
    const struck = await client.post(at, configMap('struck'))
    expect(struck).toMatchObject({ status: 429, headers: { 'retry-after': '1' }, body: { reason: 'TooManyRequests' } })
    expect((await client.post(at, configMap('struck'))).status).toBe(201)
    const events = client.watch(`${at}?watch=1&labelSelector=none`)
    const ended = expect(events.next()).rejects.toThrow()
    await client.get(at)
    await client.post('/practice/faults', { kind: 'cut', path: 'labelSelector=none' })
    await ended
    expect((await client.delete('/practice/faults')).body.faults).toEqual([])
    expect((await client.post('/practice/faults', { kind: 'odd' })).status).toBe(400)
  })
})
