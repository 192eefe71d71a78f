import { existsSync, readFileSync } from 'node:fs'
import type { Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Tokens } from '../access/tokens.ts'
import type { PodLogs } from '../api/call.ts'
import { WatchHub } from '../api/hub.ts'
import { createApiServer } from '../api/server.ts'
import { startControllers } from '../controllers/index.ts'
import type { Pod } from '../controllers/model.ts'
import { readLog } from '../pods/log.ts'
import { allocatorFor } from '../resources/allocator.ts'
import { collectGarbage } from '../store/garbage.ts'
import { openJournal } from '../store/journal.ts'
import { openStore } from '../store/store.ts'
import { Faults } from './faults.ts'
import { makePrivateFolder, writePrivate } from './files.ts'
import { loadIdentity } from './identity.ts'
import { kubeconfigText } from './kubeconfig.ts'
import { lockFolder } from './lock.ts'
import type { ProcessOptions } from './options.ts'

export type Running = { readonly port: number; readonly kubeconfig: string; stop(): Promise<void> }

/** Starts everything of a practice cluster in this process and answers once it can be reached. */
export async function startServer(options: ProcessOptions): Promise<Running> {
  makePrivateFolder(options.data)
  const unlock = await lockFolder(options.data)
  const identity = await loadIdentity(options.data, new Date())
  const { journal, restored, close } = openJournal(join(options.data, 'objects.db'))
  const store = openStore({ journal, restored })
  const hub = new WatchHub(store)
  const stopCollecting = collectGarbage(store)
  const { podReadyMs, podTerminateMs } = options
  const rootCertificate = identity.caCertificate
  const controllers = startControllers(store, { podReadyMs, podTerminateMs, rootCertificate })
  const faults = new Faults()
  const now = () => new Date()
  const logs: PodLogs = (pod, container, previous) => readLog(pod as Pod, container, { previous, now: Date.now() })
  const api = { store, hub, allocator: allocatorFor(store), logs, tokens: new Tokens(identity.token, store, now), now }
  const intercept = (call: Parameters<Faults['intercept']>[0]) => faults.intercept(call)
  const server = createApiServer({ ...identity, api, intercept })
  const port = await listen(server, options)
  writePrivate(join(options.data, 'port'), String(port))
  writePrivate(options.kubeconfig, kubeconfigText(identity, port))
  const stop = async () => {
    await closeServer(server)
    controllers.stop()
    stopCollecting()
    close()
    unlock()
  }
  return { port, kubeconfig: options.kubeconfig, stop }
}

/** Listens on the wanted port; with none wanted on that of the last start, so that a kubeconfig stays valid. */
async function listen(server: Server, { port, data }: ProcessOptions): Promise<number> {
  const file = join(data, 'port')
  const last = port === 0 && existsSync(file) ? Number(readFileSync(file, 'utf8')) : port
  if (last !== port && (await tryListen(server, last)) === undefined) return last
  const failure = await tryListen(server, port)
  if (failure !== undefined) throw failure
  return (server.address() as AddressInfo).port
}

function tryListen(server: Server, port: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    server.once('error', resolve)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', resolve)
      resolve(undefined)
    })
  })
}

/** Watches never end by themselves, so connections are cut once the requests in hand are answered. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
    setImmediate(() => server.closeAllConnections())
  })
}
