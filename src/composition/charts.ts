import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type ChartRouteParts,
  chartRoutes,
  chartStore,
  createCharts,
  type ForeignObject,
  type Grant,
  grantRoutes,
  grantStore,
  helmRender,
  isGrantedObject,
  openSources,
  resourceOfKind,
  type SourceRecord,
  sealedCredentials,
  sourceStore,
  systemResolve,
  validator,
  writeSamples,
} from '../charts/index.ts'
import type { Config } from '../config.ts'
import type { Clock } from '../core/instant.ts'
import type { Json } from '../core/json.ts'
import type { Uuid } from '../core/subject.ts'
import { transaction } from '../infra/database/pool.ts'
import type { Db } from '../infra/database/types.ts'
import type { Helm } from '../infra/helm/index.ts'
import type { FeatureRoutes } from '../infra/http/route.ts'
import type { Vault } from '../infra/secrets/vault.ts'
import type { ChartGrant, Charts } from '../releases/index.ts'

export type ChartParts = {
  readonly config: Config
  readonly db: Db
  readonly vault: Vault
  readonly helm: Helm
  readonly clock: Clock
  readonly newId: () => Uuid
  readonly kubeVersion: string
}

/** What the credentials of chart sources are sealed as. */
const credentials = 'chart-source-credentials'
export const sealedSources = sealedCredentials(credentials)
const sourceTimeoutMs = 20_000
const samplesFolder = fileURLToPath(new URL('../../samples/charts', import.meta.url))

/** Joins the charts feature: sources, kept archives, validation. Where something is embedded, with the sample charts. */
export async function openCharts(
  parts: ChartParts,
): Promise<{ readonly charts: Charts; readonly routes: FeatureRoutes }> {
  const { config, db, vault, helm, clock, newId } = parts
  const samples = join(config.home, 'sample-charts')
  const sealer = {
    seal: (value: Json) => vault.seal(value, credentials),
    open: (sealed: Uint8Array) => vault.open(sealed, credentials),
  }
  const sources = sourceStore(db, sealer)
  const folders = [samples, ...config.chartFolders]
  const sourceParts = { clock, resolve: systemResolve, timeoutMs: sourceTimeoutMs, folders, helm }
  const open = openSources(() => sources.list(), sourceParts)
  const store = chartStore(db)
  const charts = createCharts({ store, sources: open, clock })
  if (isEmbedded(config)) {
    await writeSamples(samplesFolder, samples)
    await addSampleSource({ db, sources, clock }, samples, newId())
  }
  const archive = async (digest: string) => Buffer.from(await charts.archive(digest))
  const render = helmRender(helm, parts.kubeVersion)
  const grants = grantStore(db)
  const granted = async (digest: string) => {
    const known = await grants.of([digest])
    return (object: ForeignObject) => isGrantedObject(known, object)
  }
  const validate = validator({ render, archive, granted, secrets: charts.secrets })
  const routeParts: ChartRouteParts = { db, sources, clock, newId, folders, open, kept: store.keptFrom }
  return {
    charts: { ...charts, validate, granted: async (digests) => (await grants.of(digests)).map(chartGrant) },
    routes: [...chartRoutes(routeParts), ...grantRoutes({ db, clock, newId, grants })],
  }
}

/** A grant as a path of the API names its object. */
function chartGrant({ chartDigest, apiGroup, kind, name, namespace }: Grant): ChartGrant {
  return { chartDigest, group: apiGroup, resource: resourceOfKind(kind), name, namespace }
}

/** Servers that share a database and a cluster share no folder: what one of them registers the others would not find. */
function isEmbedded({ databaseUrl, kubeconfig }: Config): boolean {
  return databaseUrl === null || kubeconfig === null
}

async function addSampleSource(
  { db, sources, clock }: Pick<ChartRouteParts, 'db' | 'sources' | 'clock'>,
  folder: string,
  id: Uuid,
): Promise<void> {
  const known = await sources.list()
  if (known.some((source) => source.name === 'samples')) return
  const sample: SourceRecord = {
    id,
    name: 'samples',
    type: 'folder',
    url: folder,
    priority: 1000,
    credentials: null,
    authHosts: [],
    verify: null,
    createdAt: clock.now(),
  }
  await transaction(db, (tx) => sources.add(tx, sample))
}
